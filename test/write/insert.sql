with
  batch as (
    select
      $1::uuid as project_id,
      (
        select
          extract(
            epoch
            from
              raw_since
          ) * 1000
        from
          retention
      )::float8 as since_ms
  ),
  price as (
    select
      batch.project_id,
      i.*
    from
      batch,
      unnest(
        $2::uuid[],
        $3::text[],
        $4::text[],
        $5::text[],
        $6::text[],
        $7::bigint[],
        $8::bigint[],
        $9::bigint[],
        $10::bigint[],
        $11::bigint[],
        $12::bigint[],
        $13::bigint[],
        $14::bigint[],
        $15::bigint[],
        $16::bigint[],
        $17::bigint[],
        $18::bigint[]
      ) as i (
        "id",
        "source",
        "version",
        "provider",
        "model",
        "input_pico",
        "cache_read_pico",
        "cache_write_pico",
        "cache_write_1h_pico",
        "input_audio_pico",
        "input_image_pico",
        "output_pico",
        "reasoning_pico",
        "output_audio_pico",
        "output_image_pico",
        "request_pico",
        "web_search_pico"
      )
  ),
  stored_prices as (
    insert into
      prices (
        project_id,
        "id",
        "source",
        "version",
        "provider",
        "model",
        "input_pico",
        "cache_read_pico",
        "cache_write_pico",
        "cache_write_1h_pico",
        "input_audio_pico",
        "input_image_pico",
        "output_pico",
        "reasoning_pico",
        "output_audio_pico",
        "output_image_pico",
        "request_pico",
        "web_search_pico"
      )
    select
      project_id,
      "id",
      "source",
      "version",
      "provider",
      "model",
      "input_pico",
      "cache_read_pico",
      "cache_write_pico",
      "cache_write_1h_pico",
      "input_audio_pico",
      "input_image_pico",
      "output_pico",
      "reasoning_pico",
      "output_audio_pico",
      "output_image_pico",
      "request_pico",
      "web_search_pico"
    from
      price
    order by
      id
    on conflict do nothing
  ),
  inserted as (
    insert into
      traces (
        project_id,
        "id",
        "started_at",
        "duration_us",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "reasoning_tokens",
        "input_audio_tokens",
        "output_audio_tokens",
        "input_image_tokens",
        "output_image_tokens",
        "web_searches",
        "cost_pico",
        "recorded_cost_pico",
        "reported_cost_pico",
        "price_id",
        "billable",
        "wrapper",
        "status",
        "application",
        "environment",
        "provider",
        "model",
        "operation",
        "service_tier",
        "request_model",
        "client_id",
        "trace_id",
        "span_id",
        "parent_id",
        "response_id",
        "user_id",
        "session_id",
        "tags",
        "error_type",
        "unpriced_reason",
        "rule",
        "usage_semantics"
      )
    select
      batch.project_id,
      i."id",
      to_timestamp(i."started_at"::float8 / 1000),
      i."duration_us",
      i."input_tokens",
      i."output_tokens",
      i."cache_read_tokens",
      i."cache_write_tokens",
      i."cache_write_5m_tokens",
      i."cache_write_1h_tokens",
      i."reasoning_tokens",
      i."input_audio_tokens",
      i."output_audio_tokens",
      i."input_image_tokens",
      i."output_image_tokens",
      i."web_searches",
      i."cost_pico",
      i."cost_pico",
      i."reported_cost_pico",
      i."price_id",
      i."billable",
      i."wrapper",
      i."status",
      i."application",
      i."environment",
      i."provider",
      i."model",
      i."operation",
      i."service_tier",
      i."request_model",
      i."client_id",
      i."trace_id",
      i."span_id",
      i."parent_id",
      i."response_id",
      i."user_id",
      i."session_id",
      i."tags"::jsonb,
      i."error_type",
      i."unpriced_reason",
      i."rule",
      i."usage_semantics"
    from
      batch,
      unnest(
        $19::uuid[],
        $20::bigint[],
        $21::bigint[],
        $22::integer[],
        $23::integer[],
        $24::integer[],
        $25::integer[],
        $26::integer[],
        $27::integer[],
        $28::integer[],
        $29::integer[],
        $30::integer[],
        $31::integer[],
        $32::integer[],
        $33::integer[],
        $34::bigint[],
        $35::bigint[],
        $36::uuid[],
        $37::boolean[],
        $38::boolean[],
        $39::text[],
        $40::text[],
        $41::text[],
        $42::text[],
        $43::text[],
        $44::text[],
        $45::text[],
        $46::text[],
        $47::text[],
        $48::text[],
        $49::text[],
        $50::text[],
        $51::text[],
        $52::text[],
        $53::text[],
        $54::text[],
        $55::text[],
        $56::text[],
        $57::text[],
        $58::text[]
      ) as i (
        "id",
        "started_at",
        "duration_us",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "reasoning_tokens",
        "input_audio_tokens",
        "output_audio_tokens",
        "input_image_tokens",
        "output_image_tokens",
        "web_searches",
        "cost_pico",
        "reported_cost_pico",
        "price_id",
        "billable",
        "wrapper",
        "status",
        "application",
        "environment",
        "provider",
        "model",
        "operation",
        "service_tier",
        "request_model",
        "client_id",
        "trace_id",
        "span_id",
        "parent_id",
        "response_id",
        "user_id",
        "session_id",
        "tags",
        "error_type",
        "unpriced_reason",
        "rule",
        "usage_semantics"
      )
    where
      (
        i.started_at >= batch.since_ms
        or kept_since (
          to_timestamp(greatest(i.started_at::float8, 0) / 1000),
          to_timestamp(greatest(batch.since_ms::float8, 0) / 1000),
          'raw'
        )
      )
    on conflict do nothing
    returning
      id,
      "project_id",
      "started_at",
      "duration_us",
      "input_tokens",
      "output_tokens",
      "cache_read_tokens",
      "cache_write_tokens",
      "cache_write_5m_tokens",
      "cache_write_1h_tokens",
      "reasoning_tokens",
      "input_audio_tokens",
      "output_audio_tokens",
      "input_image_tokens",
      "output_image_tokens",
      "web_searches",
      "cost_pico",
      "recorded_cost_pico",
      "price_id",
      "billable",
      "status",
      "application",
      "environment",
      "provider",
      "model",
      "operation",
      "service_tier",
      "user_id",
      "tags"
  ),
  main_partials as (
    insert into
      rollup (
        project_id,
        level,
        bucket,
        label,
        value,
        "application",
        "environment",
        "provider",
        "model",
        "operation",
        "service_tier",
        "requests",
        "errors",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "cost_pico",
        "recorded_cost_pico",
        "unpriced_requests",
        "unpriced_tokens",
        "unrecorded_requests",
        "latency_count",
        "latency_sum_us",
        "cache_write_1h_tokens",
        "input_audio_tokens",
        "output_audio_tokens",
        "input_image_tokens",
        "output_image_tokens",
        "web_searches",
        "cost_input_pico",
        "cost_cache_read_pico",
        "cost_cache_write_pico",
        "cost_cache_write_1h_pico",
        "cost_input_audio_pico",
        "cost_input_image_pico",
        "cost_output_pico",
        "cost_reasoning_pico",
        "cost_output_audio_pico",
        "cost_output_image_pico",
        "cost_request_pico",
        "cost_web_search_pico",
        latency_buckets,
        latency_counts
      )
    select
      t.project_id,
      0,
      date_bin('1 hour', t.started_at, 'epoch'::timestamptz) as bucket,
      '',
      '',
      t."application",
      t."environment",
      t."provider",
      t."model",
      t."operation",
      coalesce(t.service_tier, '') as service_tier,
      total (1::bigint)::bigint as "requests",
      nullif(
        total (
          (
            case
              when t.status = 'error' then 1
            end
          )::bigint
        ),
        0
      )::bigint as "errors",
      nullif(total (t."input_tokens"::bigint), 0)::bigint as "input_tokens",
      nullif(total (t."output_tokens"::bigint), 0)::bigint as "output_tokens",
      nullif(total (t."cache_read_tokens"::bigint), 0)::bigint as "cache_read_tokens",
      nullif(total (t."cache_write_tokens"::bigint), 0)::bigint as "cache_write_tokens",
      nullif(total (t."reasoning_tokens"::bigint), 0)::bigint as "reasoning_tokens",
      nullif(sum(t.cost_pico), 0)::numeric as "cost_pico",
      nullif(sum(t.recorded_cost_pico), 0)::numeric as "recorded_cost_pico",
      nullif(
        total (
          (
            case
              when t.cost_pico is null then 1
            end
          )::bigint
        ),
        0
      )::bigint as "unpriced_requests",
      nullif(
        total (
          (
            case
              when t.cost_pico is null then coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0)
            end
          )::bigint
        ),
        0
      )::bigint as "unpriced_tokens",
      nullif(
        total (
          (
            case
              when t.recorded_cost_pico is null then 1
            end
          )::bigint
        ),
        0
      )::bigint as "unrecorded_requests",
      nullif(
        total (
          (
            case
              when t.duration_us is not null then 1
            end
          )::bigint
        ),
        0
      )::bigint as "latency_count",
      nullif(sum(t.duration_us), 0)::numeric as "latency_sum_us",
      nullif(total (t."cache_write_1h_tokens"::bigint), 0)::bigint as "cache_write_1h_tokens",
      nullif(total (t."input_audio_tokens"::bigint), 0)::bigint as "input_audio_tokens",
      nullif(total (t."output_audio_tokens"::bigint), 0)::bigint as "output_audio_tokens",
      nullif(total (t."input_image_tokens"::bigint), 0)::bigint as "input_image_tokens",
      nullif(total (t."output_image_tokens"::bigint), 0)::bigint as "output_image_tokens",
      nullif(total (t."web_searches"::bigint), 0)::bigint as "web_searches",
      nullif(
        sum(
          (
            (
              coalesce(t."input_tokens", 0) - coalesce(t."cache_read_tokens", 0) - coalesce(t."cache_write_tokens", 0) - coalesce(t."input_audio_tokens", 0) - coalesce(t."input_image_tokens", 0)
            ) * p."input_pico"
          )
        ),
        0
      )::numeric as "cost_input_pico",
      nullif(sum(((t."cache_read_tokens") * p."cache_read_pico")), 0)::numeric as "cost_cache_read_pico",
      nullif(
        sum(
          (
            (coalesce(t."cache_write_tokens", 0) - coalesce(t."cache_write_1h_tokens", 0)) * p."cache_write_pico"
          )
        ),
        0
      )::numeric as "cost_cache_write_pico",
      nullif(sum(((t."cache_write_1h_tokens") * p."cache_write_1h_pico")), 0)::numeric as "cost_cache_write_1h_pico",
      nullif(sum(((t."input_audio_tokens") * p."input_audio_pico")), 0)::numeric as "cost_input_audio_pico",
      nullif(sum(((t."input_image_tokens") * p."input_image_pico")), 0)::numeric as "cost_input_image_pico",
      nullif(
        sum(
          (
            (
              coalesce(t."output_tokens", 0) - coalesce(t."reasoning_tokens", 0) - coalesce(t."output_audio_tokens", 0) - coalesce(t."output_image_tokens", 0)
            ) * p."output_pico"
          )
        ),
        0
      )::numeric as "cost_output_pico",
      nullif(sum(((t."reasoning_tokens") * p."reasoning_pico")), 0)::numeric as "cost_reasoning_pico",
      nullif(sum(((t."output_audio_tokens") * p."output_audio_pico")), 0)::numeric as "cost_output_audio_pico",
      nullif(sum(((t."output_image_tokens") * p."output_image_pico")), 0)::numeric as "cost_output_image_pico",
      nullif(sum(((1) * p."request_pico")), 0)::numeric as "cost_request_pico",
      nullif(sum(((t."web_searches") * p."web_search_pico")), 0)::numeric as "cost_web_search_pico",
      array_agg(ceil(ln(greatest(t.duration_us, 1)::float8) / 0.020000666706669435::float8)::smallint) filter (
        where
          t.duration_us is not null
      ),
      null::integer[]
    from
      inserted t
      left join price p on p.id = t.price_id
    where
      t.billable
    group by
      1,
      3,
      "t"."application",
      "t"."environment",
      "t"."provider",
      "t"."model",
      "t"."operation",
      coalesce(t.service_tier, '')
    returning
      1
  ),
  label_partials as (
    insert into
      rollup (
        project_id,
        level,
        bucket,
        label,
        value,
        user_id,
        tags,
        "application",
        "environment",
        "provider",
        "model",
        "operation",
        "service_tier",
        "requests",
        "errors",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "cost_pico",
        "recorded_cost_pico",
        "unpriced_requests",
        "unpriced_tokens",
        "unrecorded_requests",
        "latency_count",
        "latency_sum_us",
        "cache_write_1h_tokens",
        "input_audio_tokens",
        "output_audio_tokens",
        "input_image_tokens",
        "output_image_tokens",
        "web_searches",
        "cost_input_pico",
        "cost_cache_read_pico",
        "cost_cache_write_pico",
        "cost_cache_write_1h_pico",
        "cost_input_audio_pico",
        "cost_input_image_pico",
        "cost_output_pico",
        "cost_reasoning_pico",
        "cost_output_audio_pico",
        "cost_output_image_pico",
        "cost_request_pico",
        "cost_web_search_pico",
        latency_buckets,
        latency_counts
      )
    select
      t.project_id,
      0,
      date_bin('1 hour', t.started_at, 'epoch'::timestamptz),
      '*',
      coalesce(t.user_id, ''),
      t.user_id,
      t.tags,
      t."application",
      t."environment",
      t."provider",
      t."model",
      t."operation",
      coalesce(t.service_tier, '') as service_tier,
      1,
      nullif(
        (
          case
            when t.status = 'error' then 1
          end
        ),
        0
      ),
      nullif(t."input_tokens", 0),
      nullif(t."output_tokens", 0),
      nullif(t."cache_read_tokens", 0),
      nullif(t."cache_write_tokens", 0),
      nullif(t."reasoning_tokens", 0),
      nullif(t.cost_pico, 0),
      nullif(t.recorded_cost_pico, 0),
      nullif(
        (
          case
            when t.cost_pico is null then 1
          end
        ),
        0
      ),
      nullif(
        (
          case
            when t.cost_pico is null then coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0)
          end
        ),
        0
      ),
      nullif(
        (
          case
            when t.recorded_cost_pico is null then 1
          end
        ),
        0
      ),
      nullif(
        (
          case
            when t.duration_us is not null then 1
          end
        ),
        0
      ),
      nullif(t.duration_us, 0),
      nullif(t."cache_write_1h_tokens", 0),
      nullif(t."input_audio_tokens", 0),
      nullif(t."output_audio_tokens", 0),
      nullif(t."input_image_tokens", 0),
      nullif(t."output_image_tokens", 0),
      nullif(t."web_searches", 0),
      nullif(
        (
          (
            coalesce(t."input_tokens", 0) - coalesce(t."cache_read_tokens", 0) - coalesce(t."cache_write_tokens", 0) - coalesce(t."input_audio_tokens", 0) - coalesce(t."input_image_tokens", 0)
          ) * p."input_pico"
        ),
        0
      ),
      nullif(((t."cache_read_tokens") * p."cache_read_pico"), 0),
      nullif(
        (
          (coalesce(t."cache_write_tokens", 0) - coalesce(t."cache_write_1h_tokens", 0)) * p."cache_write_pico"
        ),
        0
      ),
      nullif(((t."cache_write_1h_tokens") * p."cache_write_1h_pico"), 0),
      nullif(((t."input_audio_tokens") * p."input_audio_pico"), 0),
      nullif(((t."input_image_tokens") * p."input_image_pico"), 0),
      nullif(
        (
          (
            coalesce(t."output_tokens", 0) - coalesce(t."reasoning_tokens", 0) - coalesce(t."output_audio_tokens", 0) - coalesce(t."output_image_tokens", 0)
          ) * p."output_pico"
        ),
        0
      ),
      nullif(((t."reasoning_tokens") * p."reasoning_pico"), 0),
      nullif(((t."output_audio_tokens") * p."output_audio_pico"), 0),
      nullif(((t."output_image_tokens") * p."output_image_pico"), 0),
      nullif(((1) * p."request_pico"), 0),
      nullif(((t."web_searches") * p."web_search_pico"), 0),
      case
        when t.duration_us is not null then array[ceil(ln(greatest(t.duration_us, 1)::float8) / 0.020000666706669435::float8)::smallint]
      end,
      null::integer[]
    from
      inserted t
      left join price p on p.id = t.price_id
    where
      t.billable
      and (
        t.user_id is not null
        or t.tags is not null
      )
  )
select
  count(*)::int as inserted,
  (
    select
      count(*)::int
    from
      main_partials
  ) as partials,
  case
    when count(*) < $59::int then array_agg(id)
  end as ids
from
  inserted
