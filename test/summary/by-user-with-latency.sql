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
      t.value as value,
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
      t."unrecorded_requests" as "unrecorded_requests",
      t."latency_count" as "latency_count",
      t."latency_sum_us" as "latency_sum_us",
      t.latency_buckets,
      t.latency_counts
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
      l.value as value,
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
      t."unrecorded_requests" as "unrecorded_requests",
      t."latency_count" as "latency_count",
      t."latency_sum_us" as "latency_sum_us",
      t.latency_buckets,
      t.latency_counts
    from
      rollup t,
      lateral (
        select
          'user' as label,
          t.user_id as value
        where
          t.user_id is not null
      ) as l
    where
      t.level = $5
      and t.project_id = $6::uuid
      and t.label = $7
      and l.label = $8
      and (
        (
          t.bucket >= $9::timestamptz
          and t.bucket < $10::timestamptz
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
      t.value as value,
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
      t."unrecorded_requests" as "unrecorded_requests",
      t."latency_count" as "latency_count",
      t."latency_sum_us" as "latency_sum_us",
      t.latency_buckets,
      t.latency_counts
    from
      rollup t
    where
      t.level in (2, 4)
      and t.project_id = $11::uuid
      and t.label = $12
      and (
        (
          t.bucket >= $13::timestamptz
          and t.bucket < $14::timestamptz
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
      null::text as value,
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
      t."unrecorded_requests" as "unrecorded_requests",
      t."latency_count" as "latency_count",
      t."latency_sum_us" as "latency_sum_us",
      t.latency_buckets,
      t.latency_counts
    from
      rollup t
    where
      t.level in (0)
      and t.project_id = $15::uuid
      and t.label = $16
      and (
        (
          t.bucket >= $17::timestamptz
          and t.bucket < $18::timestamptz
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
      null::text as value,
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
      t."unrecorded_requests" as "unrecorded_requests",
      t."latency_count" as "latency_count",
      t."latency_sum_us" as "latency_sum_us",
      t.latency_buckets,
      t.latency_counts
    from
      rollup t
    where
      t.level in (5, 7)
      and t.project_id = $19::uuid
      and t.label = $20
      and (
        (
          t.bucket >= $21::timestamptz
          and t.bucket < $22::timestamptz
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
      null::text as value,
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
      t."unrecorded_requests" as "unrecorded_requests",
      t."latency_count" as "latency_count",
      t."latency_sum_us" as "latency_sum_us",
      t.latency_buckets,
      t.latency_counts
    from
      rollup t
    where
      t.level in (2, 4)
      and t.project_id = $23::uuid
      and t.label = $24
      and t.bucket = any ($25::timestamptz[])
  ),
  kept as (
    select
      value
    from
      (
        select
          value,
          row_number() over (
            order by
              coalesce(sum(cost_pico), 0) desc,
              sum(requests) desc,
              value
          ) as place,
          count(*) over () as "values"
        from
          part
        where
          value is not null
        group by
          value
      ) ranked
    where
      "values" <= $26
      or place <= $27
      or value = $28
  ),
  folded as (
    select
      interval_no,
      case
        when value is null
        or value in (
          select
            value
          from
            kept
        ) then value
        else $29
      end as value,
      "requests",
      "errors",
      "input_tokens",
      "output_tokens",
      "cache_read_tokens",
      "cache_write_tokens",
      "reasoning_tokens",
      "cost_pico",
      "recorded_cost_pico",
      "reported_cost_pico",
      "reported_requests",
      "unpriced_requests",
      "unpriced_tokens",
      "inexact_requests",
      "inexact_cost_pico",
      "plan_cost_pico",
      "unrecorded_requests",
      "latency_count",
      "latency_sum_us",
      "latency_buckets",
      "latency_counts"
    from
      part
  )
select
  s.*,
  h.latency_buckets,
  h.latency_counts
from
  (
    select
      0 as interval_no,
      "value",
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
      coalesce(total ("unrecorded_requests"::bigint), 0)::bigint as "unrecorded_requests",
      coalesce(total ("latency_count"::bigint), 0)::bigint as "latency_count",
      coalesce(sum("latency_sum_us"), 0)::numeric as "latency_sum_us"
    from
      folded
    group by
      "value"
    having
      sum(requests) <> 0
    limit
      $30
  ) s
  left join (
    select
      "value",
      array_agg(latency_bin) as latency_buckets,
      array_agg(calls) as latency_counts
    from
      (
        select
          "value",
          latency_bin,
          sum(coalesce(calls, 1))::bigint as calls
        from
          (
            select
              "value",
              unnest(latency_buckets) as latency_bin,
              unnest(latency_counts) as calls
            from
              folded
          ) one
        group by
          "value",
          latency_bin
      ) by_bin
    group by
      "value"
  ) h on coalesce(s."value", '') = coalesce(h."value", '')
  and (s."value" is null) = (h."value" is null)
