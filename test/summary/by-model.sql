with
  part as (
    select
      0 as interval_no,
      t."application" as "application",
      t."environment" as "environment",
      t."provider" as "provider",
      t."model" as "model",
      t."operation" as "operation",
      coalesce(nullif(t."covered_by", ''), 'api') as "covered_by",
      '' as value,
      t."requests" as "requests",
      t."errors" as "errors",
      t."input_tokens" as "input_tokens",
      t."output_tokens" as "output_tokens",
      t."cache_read_tokens" as "cache_read_tokens",
      t."cache_write_tokens" as "cache_write_tokens",
      t."reasoning_tokens" as "reasoning_tokens",
      t."cost_pico" as "cost_pico",
      t."recorded_cost_pico" as "recorded_cost_pico",
      t."reported_cost_pico" as "reported_cost_pico",
      t."reported_requests" as "reported_requests",
      t."unpriced_requests" as "unpriced_requests",
      t."unpriced_tokens" as "unpriced_tokens",
      t."inexact_requests" as "inexact_requests",
      t."inexact_cost_pico" as "inexact_cost_pico",
      t."plan_cost_pico" as "plan_cost_pico",
      t."unrecorded_requests" as "unrecorded_requests"
    from
      rollup t
    where
      t.level in (0)
      and t.project_id = $1::uuid
      and t.label = $2
      and (
        (
          t.bucket >= $3::timestamptz
          and t.bucket < $4::timestamptz
        )
      )
    union all
    select
      0 as interval_no,
      t."application" as "application",
      t."environment" as "environment",
      t."provider" as "provider",
      t."model" as "model",
      t."operation" as "operation",
      coalesce(nullif(t."covered_by", ''), 'api') as "covered_by",
      '' as value,
      t."requests" as "requests",
      t."errors" as "errors",
      t."input_tokens" as "input_tokens",
      t."output_tokens" as "output_tokens",
      t."cache_read_tokens" as "cache_read_tokens",
      t."cache_write_tokens" as "cache_write_tokens",
      t."reasoning_tokens" as "reasoning_tokens",
      t."cost_pico" as "cost_pico",
      t."recorded_cost_pico" as "recorded_cost_pico",
      t."reported_cost_pico" as "reported_cost_pico",
      t."reported_requests" as "reported_requests",
      t."unpriced_requests" as "unpriced_requests",
      t."unpriced_tokens" as "unpriced_tokens",
      t."inexact_requests" as "inexact_requests",
      t."inexact_cost_pico" as "inexact_cost_pico",
      t."plan_cost_pico" as "plan_cost_pico",
      t."unrecorded_requests" as "unrecorded_requests"
    from
      rollup t
    where
      t.level in (5, 7)
      and t.project_id = $5::uuid
      and t.label = $6
      and (
        (
          t.bucket >= $7::timestamptz
          and t.bucket < $8::timestamptz
        )
      )
    union all
    select
      0 as interval_no,
      t."application" as "application",
      t."environment" as "environment",
      t."provider" as "provider",
      t."model" as "model",
      t."operation" as "operation",
      coalesce(nullif(t."covered_by", ''), 'api') as "covered_by",
      '' as value,
      t."requests" as "requests",
      t."errors" as "errors",
      t."input_tokens" as "input_tokens",
      t."output_tokens" as "output_tokens",
      t."cache_read_tokens" as "cache_read_tokens",
      t."cache_write_tokens" as "cache_write_tokens",
      t."reasoning_tokens" as "reasoning_tokens",
      t."cost_pico" as "cost_pico",
      t."recorded_cost_pico" as "recorded_cost_pico",
      t."reported_cost_pico" as "reported_cost_pico",
      t."reported_requests" as "reported_requests",
      t."unpriced_requests" as "unpriced_requests",
      t."unpriced_tokens" as "unpriced_tokens",
      t."inexact_requests" as "inexact_requests",
      t."inexact_cost_pico" as "inexact_cost_pico",
      t."plan_cost_pico" as "plan_cost_pico",
      t."unrecorded_requests" as "unrecorded_requests"
    from
      rollup t
    where
      t.level in (2, 4)
      and t.project_id = $9::uuid
      and t.label = $10
      and t.bucket = any ($11::timestamptz[])
  )
select
  0 as interval_no,
  '' as value,
  "model",
  coalesce(total ("requests"::bigint), 0)::bigint as "requests",
  coalesce(total ("errors"::bigint), 0)::bigint as "errors",
  coalesce(total ("input_tokens"::bigint), 0)::bigint as "input_tokens",
  coalesce(total ("output_tokens"::bigint), 0)::bigint as "output_tokens",
  coalesce(total ("cache_read_tokens"::bigint), 0)::bigint as "cache_read_tokens",
  coalesce(total ("cache_write_tokens"::bigint), 0)::bigint as "cache_write_tokens",
  coalesce(total ("reasoning_tokens"::bigint), 0)::bigint as "reasoning_tokens",
  coalesce(sum("cost_pico"), 0)::numeric as "cost_pico",
  coalesce(sum("recorded_cost_pico"), 0)::numeric as "recorded_cost_pico",
  coalesce(sum("reported_cost_pico"), 0)::numeric as "reported_cost_pico",
  coalesce(total ("reported_requests"::bigint), 0)::bigint as "reported_requests",
  coalesce(total ("unpriced_requests"::bigint), 0)::bigint as "unpriced_requests",
  coalesce(total ("unpriced_tokens"::bigint), 0)::bigint as "unpriced_tokens",
  coalesce(total ("inexact_requests"::bigint), 0)::bigint as "inexact_requests",
  coalesce(sum("inexact_cost_pico"), 0)::numeric as "inexact_cost_pico",
  coalesce(sum("plan_cost_pico"), 0)::numeric as "plan_cost_pico",
  coalesce(total ("unrecorded_requests"::bigint), 0)::bigint as "unrecorded_requests"
from
  part
group by
  "model"
having
  sum(requests) <> 0
limit
  $12
