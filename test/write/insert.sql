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
        $18::bigint[],
        $19::bigint[],
        $20::bigint[],
        $21::bigint[],
        $22::bigint[],
        $23::bigint[],
        $24::bigint[],
        $25::bigint[],
        $26::bigint[],
        $27::bigint[]
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
        "cache_read_audio_pico",
        "cache_read_image_pico",
        "input_audio_pico",
        "input_image_pico",
        "output_pico",
        "reasoning_pico",
        "output_audio_pico",
        "output_image_pico",
        "citation_pico",
        "request_pico",
        "web_search_pico",
        "file_search_pico",
        "code_execution_pico",
        "audio_second_pico",
        "character_pico",
        "image_pico",
        "page_pico"
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
        "cache_read_audio_pico",
        "cache_read_image_pico",
        "input_audio_pico",
        "input_image_pico",
        "output_pico",
        "reasoning_pico",
        "output_audio_pico",
        "output_image_pico",
        "citation_pico",
        "request_pico",
        "web_search_pico",
        "file_search_pico",
        "code_execution_pico",
        "audio_second_pico",
        "character_pico",
        "image_pico",
        "page_pico"
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
      "cache_read_audio_pico",
      "cache_read_image_pico",
      "input_audio_pico",
      "input_image_pico",
      "output_pico",
      "reasoning_pico",
      "output_audio_pico",
      "output_image_pico",
      "citation_pico",
      "request_pico",
      "web_search_pico",
      "file_search_pico",
      "code_execution_pico",
      "audio_second_pico",
      "character_pico",
      "image_pico",
      "page_pico"
    from
      price
    order by
      id
    on conflict do nothing
  ),
  tags as materialized (
    select
      i.tags::jsonb as tags,
      i.tags_place
    from
      unnest($28::text[]) with ordinality as i (tags, tags_place)
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
        "cache_read_audio_tokens",
        "cache_read_image_tokens",
        "output_audio_tokens",
        "input_image_tokens",
        "output_image_tokens",
        "web_searches",
        "citation_tokens",
        "file_searches",
        "code_executions",
        "audio_seconds",
        "input_characters",
        "output_images",
        "pages",
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
        "request_provider",
        "unknown_usage_members",
        "client_id",
        "trace_id",
        "span_id",
        "parent_id",
        "response_id",
        "other_ids",
        "user_id",
        "session_id",
        "tags",
        "error_type",
        "unpriced_reason",
        "rule",
        "usage_semantics",
        "cost_is",
        "covered_by"
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
      i."cache_read_audio_tokens",
      i."cache_read_image_tokens",
      i."output_audio_tokens",
      i."input_image_tokens",
      i."output_image_tokens",
      i."web_searches",
      i."citation_tokens",
      i."file_searches",
      i."code_executions",
      i."audio_seconds",
      i."input_characters",
      i."output_images",
      i."pages",
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
      i."request_provider",
      string_to_array(i."unknown_usage_members", chr(10)),
      i."client_id",
      i."trace_id",
      i."span_id",
      i."parent_id",
      i."response_id",
      string_to_array(i."other_ids", chr(10)),
      i."user_id",
      i."session_id",
      i."tags"::jsonb,
      i."error_type",
      i."unpriced_reason",
      i."rule",
      i."usage_semantics",
      i."cost_is",
      i."covered_by"
    from
      batch,
      (
        unnest(
          $29::uuid[],
          $30::bigint[],
          $31::bigint[],
          $32::integer[],
          $33::integer[],
          $34::integer[],
          $35::integer[],
          $36::integer[],
          $37::integer[],
          $38::integer[],
          $39::integer[],
          $40::integer[],
          $41::integer[],
          $42::integer[],
          $43::integer[],
          $44::integer[],
          $45::integer[],
          $46::integer[],
          $47::integer[],
          $48::integer[],
          $49::integer[],
          $50::integer[],
          $51::integer[],
          $52::integer[],
          $53::bigint[],
          $54::bigint[],
          $55::text[],
          $56::text[],
          $57::text[],
          $58::text[],
          $59::text[],
          $60::text[],
          $61::text[],
          $62::text[],
          $63::bigint[],
          $64::bigint[]
        ) as own (
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
          "cache_read_audio_tokens",
          "cache_read_image_tokens",
          "output_audio_tokens",
          "input_image_tokens",
          "output_image_tokens",
          "web_searches",
          "citation_tokens",
          "file_searches",
          "code_executions",
          "audio_seconds",
          "input_characters",
          "output_images",
          "pages",
          "cost_pico",
          "reported_cost_pico",
          "client_id",
          "trace_id",
          "span_id",
          "parent_id",
          "response_id",
          "other_ids",
          "user_id",
          "session_id",
          kind,
          tags_place
        )
        join unnest(
          $65::uuid[],
          $66::boolean[],
          $67::boolean[],
          $68::text[],
          $69::text[],
          $70::text[],
          $71::text[],
          $72::text[],
          $73::text[],
          $74::text[],
          $75::text[],
          $76::text[],
          $77::text[],
          $78::text[],
          $79::text[],
          $80::text[],
          $81::text[],
          $82::text[],
          $83::text[]
        ) with ordinality as shared (
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
          "request_provider",
          "unknown_usage_members",
          "error_type",
          "unpriced_reason",
          "rule",
          "usage_semantics",
          "cost_is",
          "covered_by",
          kind
        ) using (kind)
        left join tags using (tags_place)
      ) as i
    where
      (
        i.started_at >= batch.since_ms
        or kept_since (
          to_timestamp(greatest(i.started_at::float8, 0) / 1000),
          to_timestamp(greatest(batch.since_ms::float8, 0) / 1000),
          'raw'
        )
      )
    order by
      i.id
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
      "cache_read_audio_tokens",
      "cache_read_image_tokens",
      "output_audio_tokens",
      "input_image_tokens",
      "output_image_tokens",
      "web_searches",
      "citation_tokens",
      "file_searches",
      "code_executions",
      "audio_seconds",
      "input_characters",
      "output_images",
      "pages",
      "cost_pico",
      "recorded_cost_pico",
      "reported_cost_pico",
      "price_id",
      "cost_is",
      "billable",
      "status",
      "application",
      "environment",
      "provider",
      "model",
      "operation",
      "service_tier",
      "covered_by",
      "user_id",
      "tags"
  ),
  main_partials as (
    insert into
      rollup (
        project_id,
        level,
        format,
        bucket,
        label,
        value,
        "application",
        "environment",
        "provider",
        "model",
        "operation",
        "service_tier",
        "covered_by",
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
        "cache_write_1h_tokens",
        "input_audio_tokens",
        "cache_read_audio_tokens",
        "cache_read_image_tokens",
        "output_audio_tokens",
        "input_image_tokens",
        "output_image_tokens",
        "web_searches",
        "citation_tokens",
        "file_searches",
        "code_executions",
        "audio_seconds",
        "input_characters",
        "output_images",
        "pages",
        "cost_input_pico",
        "cost_cache_read_pico",
        "cost_cache_write_pico",
        "cost_cache_write_1h_pico",
        "cost_cache_read_audio_pico",
        "cost_cache_read_image_pico",
        "cost_input_audio_pico",
        "cost_input_image_pico",
        "cost_output_pico",
        "cost_reasoning_pico",
        "cost_output_audio_pico",
        "cost_output_image_pico",
        "cost_citation_pico",
        "cost_request_pico",
        "cost_web_search_pico",
        "cost_file_search_pico",
        "cost_code_execution_pico",
        "cost_audio_second_pico",
        "cost_character_pico",
        "cost_image_pico",
        "cost_page_pico",
        latency_buckets,
        latency_counts
      )
    select
      t.project_id,
      0,
      5,
      date_bin('1 hour', t.started_at, 'epoch'::timestamptz) as bucket,
      '',
      '',
      t."application" as "application",
      t."environment" as "environment",
      t."provider" as "provider",
      t."model" as "model",
      t."operation" as "operation",
      coalesce(t."service_tier", '') as "service_tier",
      coalesce(t."covered_by", '') as "covered_by",
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
      nullif(sum(t.reported_cost_pico), 0)::numeric as "reported_cost_pico",
      nullif(
        total (
          (
            case
              when t.reported_cost_pico is not null then 1
            end
          )::bigint
        ),
        0
      )::bigint as "reported_requests",
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
              when t.cost_is <> 'exact'
              and t.cost_pico is not null then 1
            end
          )::bigint
        ),
        0
      )::bigint as "inexact_requests",
      nullif(
        sum(
          (
            case
              when t.cost_is <> 'exact'
              and t.cost_pico is not null then t.cost_pico
            end
          )
        ),
        0
      )::numeric as "inexact_cost_pico",
      nullif(
        sum(
          (
            case
              when t.covered_by = 'plan' then t.cost_pico
            end
          )
        ),
        0
      )::numeric as "plan_cost_pico",
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
      nullif(total (t."cache_read_audio_tokens"::bigint), 0)::bigint as "cache_read_audio_tokens",
      nullif(total (t."cache_read_image_tokens"::bigint), 0)::bigint as "cache_read_image_tokens",
      nullif(total (t."output_audio_tokens"::bigint), 0)::bigint as "output_audio_tokens",
      nullif(total (t."input_image_tokens"::bigint), 0)::bigint as "input_image_tokens",
      nullif(total (t."output_image_tokens"::bigint), 0)::bigint as "output_image_tokens",
      nullif(total (t."web_searches"::bigint), 0)::bigint as "web_searches",
      nullif(total (t."citation_tokens"::bigint), 0)::bigint as "citation_tokens",
      nullif(total (t."file_searches"::bigint), 0)::bigint as "file_searches",
      nullif(total (t."code_executions"::bigint), 0)::bigint as "code_executions",
      nullif(total (t."audio_seconds"::bigint), 0)::bigint as "audio_seconds",
      nullif(total (t."input_characters"::bigint), 0)::bigint as "input_characters",
      nullif(total (t."output_images"::bigint), 0)::bigint as "output_images",
      nullif(total (t."pages"::bigint), 0)::bigint as "pages",
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
      nullif(
        sum(
          (
            (
              coalesce(t."cache_read_tokens", 0) - coalesce(t."cache_read_audio_tokens", 0) - coalesce(t."cache_read_image_tokens", 0)
            ) * p."cache_read_pico"
          )
        ),
        0
      )::numeric as "cost_cache_read_pico",
      nullif(
        sum(
          (
            (coalesce(t."cache_write_tokens", 0) - coalesce(t."cache_write_1h_tokens", 0)) * p."cache_write_pico"
          )
        ),
        0
      )::numeric as "cost_cache_write_pico",
      nullif(sum(((t."cache_write_1h_tokens") * p."cache_write_1h_pico")), 0)::numeric as "cost_cache_write_1h_pico",
      nullif(sum(((t."cache_read_audio_tokens") * p."cache_read_audio_pico")), 0)::numeric as "cost_cache_read_audio_pico",
      nullif(sum(((t."cache_read_image_tokens") * p."cache_read_image_pico")), 0)::numeric as "cost_cache_read_image_pico",
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
      nullif(sum(((t."citation_tokens") * p."citation_pico")), 0)::numeric as "cost_citation_pico",
      nullif(sum(((1) * p."request_pico")), 0)::numeric as "cost_request_pico",
      nullif(sum(((t."web_searches") * p."web_search_pico")), 0)::numeric as "cost_web_search_pico",
      nullif(sum(((t."file_searches") * p."file_search_pico")), 0)::numeric as "cost_file_search_pico",
      nullif(sum(((t."code_executions") * p."code_execution_pico")), 0)::numeric as "cost_code_execution_pico",
      nullif(sum(((t."audio_seconds") * p."audio_second_pico")), 0)::numeric as "cost_audio_second_pico",
      nullif(sum(((t."input_characters") * p."character_pico")), 0)::numeric as "cost_character_pico",
      nullif(sum(((t."output_images") * p."image_pico")), 0)::numeric as "cost_image_pico",
      nullif(sum(((t."pages") * p."page_pico")), 0)::numeric as "cost_page_pico",
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
      4,
      t."application",
      t."environment",
      t."provider",
      t."model",
      t."operation",
      coalesce(t."service_tier", ''),
      coalesce(t."covered_by", '')
    returning
      1
  ),
  label_partials as (
    insert into
      rollup (
        project_id,
        level,
        format,
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
        "covered_by",
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
        "cache_write_1h_tokens",
        "input_audio_tokens",
        "cache_read_audio_tokens",
        "cache_read_image_tokens",
        "output_audio_tokens",
        "input_image_tokens",
        "output_image_tokens",
        "web_searches",
        "citation_tokens",
        "file_searches",
        "code_executions",
        "audio_seconds",
        "input_characters",
        "output_images",
        "pages",
        "cost_input_pico",
        "cost_cache_read_pico",
        "cost_cache_write_pico",
        "cost_cache_write_1h_pico",
        "cost_cache_read_audio_pico",
        "cost_cache_read_image_pico",
        "cost_input_audio_pico",
        "cost_input_image_pico",
        "cost_output_pico",
        "cost_reasoning_pico",
        "cost_output_audio_pico",
        "cost_output_image_pico",
        "cost_citation_pico",
        "cost_request_pico",
        "cost_web_search_pico",
        "cost_file_search_pico",
        "cost_code_execution_pico",
        "cost_audio_second_pico",
        "cost_character_pico",
        "cost_image_pico",
        "cost_page_pico",
        latency_buckets,
        latency_counts
      )
    select
      t.project_id,
      0 as level,
      5 as format,
      date_bin('1 hour', t.started_at, 'epoch'::timestamptz) as bucket,
      '*' as label,
      coalesce(t.user_id, '') as value,
      t.user_id,
      t.tags,
      t."application" as "application",
      t."environment" as "environment",
      t."provider" as "provider",
      t."model" as "model",
      t."operation" as "operation",
      coalesce(t."service_tier", '') as "service_tier",
      coalesce(t."covered_by", '') as "covered_by",
      1 as "requests",
      nullif(
        (
          case
            when t.status = 'error' then 1
          end
        ),
        0
      ) as "errors",
      nullif(t."input_tokens", 0) as "input_tokens",
      nullif(t."output_tokens", 0) as "output_tokens",
      nullif(t."cache_read_tokens", 0) as "cache_read_tokens",
      nullif(t."cache_write_tokens", 0) as "cache_write_tokens",
      nullif(t."reasoning_tokens", 0) as "reasoning_tokens",
      nullif(t.cost_pico, 0) as "cost_pico",
      nullif(t.recorded_cost_pico, 0) as "recorded_cost_pico",
      nullif(t.reported_cost_pico, 0) as "reported_cost_pico",
      nullif(
        (
          case
            when t.reported_cost_pico is not null then 1
          end
        ),
        0
      ) as "reported_requests",
      nullif(
        (
          case
            when t.cost_pico is null then 1
          end
        ),
        0
      ) as "unpriced_requests",
      nullif(
        (
          case
            when t.cost_pico is null then coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0)
          end
        ),
        0
      ) as "unpriced_tokens",
      nullif(
        (
          case
            when t.cost_is <> 'exact'
            and t.cost_pico is not null then 1
          end
        ),
        0
      ) as "inexact_requests",
      nullif(
        (
          case
            when t.cost_is <> 'exact'
            and t.cost_pico is not null then t.cost_pico
          end
        ),
        0
      ) as "inexact_cost_pico",
      nullif(
        (
          case
            when t.covered_by = 'plan' then t.cost_pico
          end
        ),
        0
      ) as "plan_cost_pico",
      nullif(
        (
          case
            when t.recorded_cost_pico is null then 1
          end
        ),
        0
      ) as "unrecorded_requests",
      nullif(
        (
          case
            when t.duration_us is not null then 1
          end
        ),
        0
      ) as "latency_count",
      nullif(t.duration_us, 0) as "latency_sum_us",
      nullif(t."cache_write_1h_tokens", 0) as "cache_write_1h_tokens",
      nullif(t."input_audio_tokens", 0) as "input_audio_tokens",
      nullif(t."cache_read_audio_tokens", 0) as "cache_read_audio_tokens",
      nullif(t."cache_read_image_tokens", 0) as "cache_read_image_tokens",
      nullif(t."output_audio_tokens", 0) as "output_audio_tokens",
      nullif(t."input_image_tokens", 0) as "input_image_tokens",
      nullif(t."output_image_tokens", 0) as "output_image_tokens",
      nullif(t."web_searches", 0) as "web_searches",
      nullif(t."citation_tokens", 0) as "citation_tokens",
      nullif(t."file_searches", 0) as "file_searches",
      nullif(t."code_executions", 0) as "code_executions",
      nullif(t."audio_seconds", 0) as "audio_seconds",
      nullif(t."input_characters", 0) as "input_characters",
      nullif(t."output_images", 0) as "output_images",
      nullif(t."pages", 0) as "pages",
      nullif(
        (
          (
            coalesce(t."input_tokens", 0) - coalesce(t."cache_read_tokens", 0) - coalesce(t."cache_write_tokens", 0) - coalesce(t."input_audio_tokens", 0) - coalesce(t."input_image_tokens", 0)
          ) * p."input_pico"
        ),
        0
      ) as "cost_input_pico",
      nullif(
        (
          (
            coalesce(t."cache_read_tokens", 0) - coalesce(t."cache_read_audio_tokens", 0) - coalesce(t."cache_read_image_tokens", 0)
          ) * p."cache_read_pico"
        ),
        0
      ) as "cost_cache_read_pico",
      nullif(
        (
          (coalesce(t."cache_write_tokens", 0) - coalesce(t."cache_write_1h_tokens", 0)) * p."cache_write_pico"
        ),
        0
      ) as "cost_cache_write_pico",
      nullif(((t."cache_write_1h_tokens") * p."cache_write_1h_pico"), 0) as "cost_cache_write_1h_pico",
      nullif(((t."cache_read_audio_tokens") * p."cache_read_audio_pico"), 0) as "cost_cache_read_audio_pico",
      nullif(((t."cache_read_image_tokens") * p."cache_read_image_pico"), 0) as "cost_cache_read_image_pico",
      nullif(((t."input_audio_tokens") * p."input_audio_pico"), 0) as "cost_input_audio_pico",
      nullif(((t."input_image_tokens") * p."input_image_pico"), 0) as "cost_input_image_pico",
      nullif(
        (
          (
            coalesce(t."output_tokens", 0) - coalesce(t."reasoning_tokens", 0) - coalesce(t."output_audio_tokens", 0) - coalesce(t."output_image_tokens", 0)
          ) * p."output_pico"
        ),
        0
      ) as "cost_output_pico",
      nullif(((t."reasoning_tokens") * p."reasoning_pico"), 0) as "cost_reasoning_pico",
      nullif(((t."output_audio_tokens") * p."output_audio_pico"), 0) as "cost_output_audio_pico",
      nullif(((t."output_image_tokens") * p."output_image_pico"), 0) as "cost_output_image_pico",
      nullif(((t."citation_tokens") * p."citation_pico"), 0) as "cost_citation_pico",
      nullif(((1) * p."request_pico"), 0) as "cost_request_pico",
      nullif(((t."web_searches") * p."web_search_pico"), 0) as "cost_web_search_pico",
      nullif(((t."file_searches") * p."file_search_pico"), 0) as "cost_file_search_pico",
      nullif(((t."code_executions") * p."code_execution_pico"), 0) as "cost_code_execution_pico",
      nullif(((t."audio_seconds") * p."audio_second_pico"), 0) as "cost_audio_second_pico",
      nullif(((t."input_characters") * p."character_pico"), 0) as "cost_character_pico",
      nullif(((t."output_images") * p."image_pico"), 0) as "cost_image_pico",
      nullif(((t."pages") * p."page_pico"), 0) as "cost_page_pico",
      case
        when t.duration_us is not null then array[ceil(ln(greatest(t.duration_us, 1)::float8) / 0.020000666706669435::float8)::smallint]
      end as latency_buckets,
      null::integer[] as latency_counts
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
    when count(*) < $84::int then array_agg(id)
  end as ids
from
  inserted
