with
  part as (
    select
      width_bucket(t.bucket, $1::timestamptz[]) as interval_no,
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
      and t.project_id = $2::uuid
      and t.label = $3
      and (
        (
          t.bucket >= $4::timestamptz
          and t.bucket < $5::timestamptz
        )
      )
    union all
    select
      width_bucket(t.bucket, $6::timestamptz[]) as interval_no,
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
      t.level in (1, 3)
      and t.project_id = $7::uuid
      and t.label = $8
      and (
        (
          t.bucket >= $9::timestamptz
          and t.bucket < $10::timestamptz
        )
      )
      and (
        select
          kept_since (to_timestamp(greatest($11::float8, 0) / 1000), hour_since, 'hours')
        from
          retention
      )
    union all
    select
      width_bucket(t.started_at, $12::timestamptz[]) as interval_no,
      t."application" as "application",
      t."environment" as "environment",
      t."provider" as "provider",
      t."model" as "model",
      t."operation" as "operation",
      coalesce(nullif(t."covered_by", ''), 'api') as "covered_by",
      '' as value,
      1 as "requests",
      (
        case
          when t.status = 'error' then 1
        end
      ) as "errors",
      t."input_tokens" as "input_tokens",
      t."output_tokens" as "output_tokens",
      t."cache_read_tokens" as "cache_read_tokens",
      t."cache_write_tokens" as "cache_write_tokens",
      t."reasoning_tokens" as "reasoning_tokens",
      t.cost_pico as "cost_pico",
      t.recorded_cost_pico as "recorded_cost_pico",
      t.reported_cost_pico as "reported_cost_pico",
      (
        case
          when t.reported_cost_pico is not null then 1
        end
      ) as "reported_requests",
      (
        case
          when t.cost_pico is null then 1
        end
      ) as "unpriced_requests",
      (
        case
          when t.cost_pico is null then coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0)
        end
      ) as "unpriced_tokens",
      (
        case
          when t.cost_is <> 'exact'
          and t.cost_pico is not null then 1
        end
      ) as "inexact_requests",
      (
        case
          when t.cost_is <> 'exact'
          and t.cost_pico is not null then t.cost_pico
        end
      ) as "inexact_cost_pico",
      (
        case
          when t.covered_by = 'plan' then t.cost_pico
        end
      ) as "plan_cost_pico",
      (
        case
          when t.recorded_cost_pico is null then 1
        end
      ) as "unrecorded_requests"
    from
      traces t
      left join prices p on p.project_id = t.project_id
      and p.id = t.price_id
    where
      t.project_id = $13::uuid
      and t.billable
      and (
        (
          t.id >= $14::uuid
          and t.id < $15::uuid
        )
      )
  )
select
  '' as value,
  "interval_no",
  coalesce(total ("requests"::bigint), 0)::bigint as "requests",
  coalesce(total ("errors"::bigint), 0)::bigint as "errors",
  coalesce(total ("input_tokens"::bigint), 0)::bigint as "input_tokens",
  coalesce(total ("output_tokens"::bigint), 0)::bigint as "output_tokens",
  coalesce(total ("cache_read_tokens"::bigint), 0)::bigint as "cache_read_tokens",
  coalesce(total ("cache_write_tokens"::bigint), 0)::bigint as "cache_write_tokens",
  coalesce(total ("reasoning_tokens"::bigint), 0)::bigint as "reasoning_tokens",
  coalesce(total ("cost_pico"::numeric), 0)::numeric as "cost_pico",
  coalesce(total ("recorded_cost_pico"::numeric), 0)::numeric as "recorded_cost_pico",
  coalesce(total ("reported_cost_pico"::numeric), 0)::numeric as "reported_cost_pico",
  coalesce(total ("reported_requests"::bigint), 0)::bigint as "reported_requests",
  coalesce(total ("unpriced_requests"::bigint), 0)::bigint as "unpriced_requests",
  coalesce(total ("unpriced_tokens"::bigint), 0)::bigint as "unpriced_tokens",
  coalesce(total ("inexact_requests"::bigint), 0)::bigint as "inexact_requests",
  coalesce(total ("inexact_cost_pico"::numeric), 0)::numeric as "inexact_cost_pico",
  coalesce(total ("plan_cost_pico"::numeric), 0)::numeric as "plan_cost_pico",
  coalesce(total ("unrecorded_requests"::bigint), 0)::bigint as "unrecorded_requests"
from
  part
group by
  "interval_no"
having
  sum(requests) <> 0
limit
  $16
