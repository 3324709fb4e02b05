-- Spreads a migrated database over the nodes of a Citus cluster by project: psql "$DATABASE_URL" -f scripts/citus.sql
--
-- Not run against Citus yet. What is known to stand in the way: Citus (as of 12) takes no INSERT inside a WITH, even
-- where all of it is of one project, and the write, the merge and settling are such statements. The schema is ready for
-- it; those statements are not.
--
-- Every node needs what statements call.
SELECT create_distributed_function('total(bigint)');
SELECT create_distributed_function('total(numeric)');
SELECT create_distributed_function('trace_id_at(timestamptz)');
SELECT create_distributed_function('refuse_if(boolean, text)');
SELECT create_distributed_function('kept_since(timestamptz, timestamptz, text)');

-- Small, asked for without a project, or for several at once: each node has all of them.
SELECT create_reference_table('projects');
SELECT create_reference_table('api_keys');
SELECT create_reference_table('custom_prices');
SELECT create_reference_table('retention');

-- Rows of one project are on one node, whatever the table; `traces` with all of its partitions.
SELECT create_distributed_table('traces', 'project_id');
SELECT create_distributed_table('rollup', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('prices', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('spans', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('responses', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('held_wrappers', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('crowded_labels', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('reprice_jobs', 'project_id', colocate_with => 'traces');
SELECT create_distributed_table('dead_letters', 'project_id', colocate_with => 'traces');
