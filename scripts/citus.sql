-- Spreads a migrated database over the nodes of a Citus cluster by project: psql "$DATABASE_URL" -f scripts/citus.sql
--
-- Not run against Citus yet: what follows of its planner is read in its documentation, source (12) and issues, not
-- tried.
--
-- Ready: the schema, and where statements go. Each statement that runs for one project is restricted to it at every
-- distributed table, in a form that the planner can follow; test/db/citus-statements.test.ts holds them to that.
-- Questions go to the project's shard as they are.
--
-- Taken, but step by step: a WITH that has an INSERT, of which only the parts go to the shard (citusdata/citus#3654,
-- #3948). Such are the write (src/write/insert.ts), settling where it changes something
-- (src/write/apply-judgements.ts), deletion (src/traces/delete.ts), repricing (src/reprice/step.ts), relabelling
-- (src/reprice/relabel.ts) and repairing (src/rollup/repair.ts). The parts run one after another as they are written,
-- each sees what those before it changed, and rows between them pass through the node that the client is connected to:
-- slower, still one transaction. None of them reads a table behind a part that changes what it reads there, so they
-- mean the same. INSERT ... SELECT from what was sent (links, sightings, held wrappers) computes its rows on that node
-- as well.
--
-- Advisory locks are of the node that the client is connected to: those who settle one trace, or repair one project,
-- take turns only if all connect to the same.
--
-- The wall between projects (src/db/wall.ts) sets the role and the project with set_config(), for its transaction. Citus
-- passes SET LOCAL on to other nodes if citus.propagate_set_commands is 'local', says its documentation. It says nothing of
-- set_config(), so do not rely on the wall there: without roles (scripts/roles.sql) there is none.
--
-- For all projects, and so for all shards, is what cron does, and the operator's replay of dead letters; the test lists
-- it. Plain questions and deletions Citus sends to all shards. These it refuses; they would have to run for one project
-- after another, or on each shard by itself:
--   src/rollup/merge.ts, src/rollup/compact.ts: FOR UPDATE is for one shard only.
--   src/rollup/crowded.ts, hours in src/retention/retain.ts: so is a recursive WITH.
--   links in src/write/trace-nodes.ts, hours too: rows chosen by ctid. Responses in src/retention/retain.ts go by ctid
--     and by pg_relation_size, which is that of the empty table in front of the shards: they would stay.
--   the bound of calls in src/retention/retain.ts: what a reference table is set to may not depend on distributed ones.
--
-- Every node needs what statements call.
SELECT create_distributed_function('total(bigint)');
SELECT create_distributed_function('total(numeric)');
SELECT create_distributed_function('joined(anycompatiblearray)');
SELECT create_distributed_function('trace_id_at(timestamptz)');
SELECT create_distributed_function('refuse_if(boolean, text)');
SELECT create_distributed_function('kept_since(timestamptz, timestamptz, text)');

-- Small, asked for without a project, or for several at once: each node has all of them.
SELECT create_reference_table('projects');
SELECT create_reference_table('api_keys');
SELECT create_reference_table('page_sessions');
SELECT create_reference_table('custom_prices');
SELECT create_reference_table('retention');
SELECT create_reference_table('catalogue_versions');
SELECT create_reference_table('size_samples');
-- It has a trigger, which distributed and reference tables may not have.
SELECT citus_add_local_table_to_metadata('admin_log');

-- Rows of one project are on one node, whatever the table; `traces` with all of its partitions.
SELECT create_distributed_table('traces', 'project_id');
SELECT create_distributed_table('rollup', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('prices', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('spans', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('responses', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('held_wrappers', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('crowded_labels', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('corrections', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('reprice_jobs', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('dead_letters', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('days_to_repair', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('relabel_jobs', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('erasures', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('plans', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('views', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('doubles', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('reported_usage', 'project_id', colocate_with => 'traces');
