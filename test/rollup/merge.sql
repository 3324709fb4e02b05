with
  moved as (
    delete from rollup t
    where
      t.ctid = any (
        array(
          select
            r.ctid
          from
            unnest($1::uuid[]) as p (project_id)
            cross join lateral (
              select
                t.ctid
              from
                rollup t
              where
                t.level = 0
                and t.project_id = p.project_id
              order by
                t.label,
                t.bucket
              limit
                $2::int
              for update
                skip locked
            ) r
          limit
            $2::int
        )
      )
    returning
      (
        num_nonnulls (
          "inexact_requests",
          "inexact_cost_pico",
          "plan_cost_pico",
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
          "cost_cache_write_1h_pico",
          "cost_cache_read_audio_pico",
          "cost_cache_read_image_pico",
          "cost_input_audio_pico",
          "cost_input_image_pico",
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
          "latency_counts"
        ) = 0
        and coalesce(
          greatest(
            "cost_pico",
            "recorded_cost_pico",
            "reported_cost_pico",
            "latency_sum_us",
            "cost_input_pico",
            "cost_cache_read_pico",
            "cost_cache_write_pico",
            "cost_output_pico",
            "cost_reasoning_pico"
          ),
          0
        ) < 1e13
        and coalesce(
          least(
            "cost_pico",
            "recorded_cost_pico",
            "reported_cost_pico",
            "latency_sum_us",
            "cost_input_pico",
            "cost_cache_read_pico",
            "cost_cache_write_pico",
            "cost_output_pico",
            "cost_reasoning_pico"
          ),
          0
        ) > -1e13
      ) as is_plain,
      *
  ),
  labelled as (
    select
      "g"."project_id",
      "g"."bucket",
      "g"."label",
      "g"."value",
      "g"."application",
      "g"."environment",
      "g"."provider",
      "g"."model",
      "g"."operation",
      "g"."service_tier",
      "g"."covered_by",
      "g"."requests",
      "g"."errors",
      "g"."input_tokens",
      "g"."output_tokens",
      "g"."cache_read_tokens",
      "g"."cache_write_tokens",
      "g"."reasoning_tokens",
      "g"."cost_pico",
      "g"."recorded_cost_pico",
      "g"."reported_cost_pico",
      "g"."reported_requests",
      "g"."unpriced_requests",
      "g"."unpriced_tokens",
      "g"."inexact_requests",
      "g"."inexact_cost_pico",
      "g"."plan_cost_pico",
      "g"."unrecorded_requests",
      "g"."latency_count",
      "g"."latency_sum_us",
      "g"."cache_write_1h_tokens",
      "g"."input_audio_tokens",
      "g"."cache_read_audio_tokens",
      "g"."cache_read_image_tokens",
      "g"."output_audio_tokens",
      "g"."input_image_tokens",
      "g"."output_image_tokens",
      "g"."web_searches",
      "g"."citation_tokens",
      "g"."file_searches",
      "g"."code_executions",
      "g"."audio_seconds",
      "g"."input_characters",
      "g"."output_images",
      "g"."pages",
      "g"."cost_input_pico",
      "g"."cost_cache_read_pico",
      "g"."cost_cache_write_pico",
      "g"."cost_cache_write_1h_pico",
      "g"."cost_cache_read_audio_pico",
      "g"."cost_cache_read_image_pico",
      "g"."cost_input_audio_pico",
      "g"."cost_input_image_pico",
      "g"."cost_output_pico",
      "g"."cost_reasoning_pico",
      "g"."cost_output_audio_pico",
      "g"."cost_output_image_pico",
      "g"."cost_citation_pico",
      "g"."cost_request_pico",
      "g"."cost_web_search_pico",
      "g"."cost_file_search_pico",
      "g"."cost_code_execution_pico",
      "g"."cost_audio_second_pico",
      "g"."cost_character_pico",
      "g"."cost_image_pico",
      "g"."cost_page_pico",
      case
        when cardinality(g.latency_bins) > 64 then (
          select
            array_agg(
              latency_bin
              order by
                latency_bin
            )
          from
            (
              select
                latency_bin,
                count(*)::integer as calls
              from
                unnest(g.latency_bins) as latency_bin
              group by
                1
            ) by_bin
          where
            calls <> 0
        )
        else g.latency_bins
      end as latency_buckets,
      case
        when cardinality(g.latency_bins) > 64 then (
          select
            array_agg(
              calls
              order by
                latency_bin
            )
          from
            (
              select
                latency_bin,
                count(*)::integer as calls
              from
                unnest(g.latency_bins) as latency_bin
              group by
                1
            ) by_bin
          where
            calls <> 0
        )
      end as latency_counts
    from
      (
        select
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by",
          total ("requests"::bigint)::bigint as "requests",
          nullif(total ("errors"::bigint), 0)::bigint as "errors",
          nullif(total ("input_tokens"::bigint), 0)::bigint as "input_tokens",
          nullif(total ("output_tokens"::bigint), 0)::bigint as "output_tokens",
          nullif(total ("cache_read_tokens"::bigint), 0)::bigint as "cache_read_tokens",
          nullif(total ("cache_write_tokens"::bigint), 0)::bigint as "cache_write_tokens",
          nullif(total ("reasoning_tokens"::bigint), 0)::bigint as "reasoning_tokens",
          nullif(total ("cost_pico"::bigint), 0)::numeric as "cost_pico",
          nullif(total ("recorded_cost_pico"::bigint), 0)::numeric as "recorded_cost_pico",
          nullif(total ("reported_cost_pico"::bigint), 0)::numeric as "reported_cost_pico",
          nullif(total ("reported_requests"::bigint), 0)::bigint as "reported_requests",
          nullif(total ("unpriced_requests"::bigint), 0)::bigint as "unpriced_requests",
          nullif(total ("unpriced_tokens"::bigint), 0)::bigint as "unpriced_tokens",
          null::bigint as "inexact_requests",
          null::numeric as "inexact_cost_pico",
          null::numeric as "plan_cost_pico",
          nullif(total ("unrecorded_requests"::bigint), 0)::bigint as "unrecorded_requests",
          nullif(total ("latency_count"::bigint), 0)::bigint as "latency_count",
          nullif(total ("latency_sum_us"::bigint), 0)::numeric as "latency_sum_us",
          null::bigint as "cache_write_1h_tokens",
          null::bigint as "input_audio_tokens",
          null::bigint as "cache_read_audio_tokens",
          null::bigint as "cache_read_image_tokens",
          null::bigint as "output_audio_tokens",
          null::bigint as "input_image_tokens",
          null::bigint as "output_image_tokens",
          null::bigint as "web_searches",
          null::bigint as "citation_tokens",
          null::bigint as "file_searches",
          null::bigint as "code_executions",
          null::bigint as "audio_seconds",
          null::bigint as "input_characters",
          null::bigint as "output_images",
          null::bigint as "pages",
          nullif(total ("cost_input_pico"::bigint), 0)::numeric as "cost_input_pico",
          nullif(total ("cost_cache_read_pico"::bigint), 0)::numeric as "cost_cache_read_pico",
          nullif(total ("cost_cache_write_pico"::bigint), 0)::numeric as "cost_cache_write_pico",
          null::numeric as "cost_cache_write_1h_pico",
          null::numeric as "cost_cache_read_audio_pico",
          null::numeric as "cost_cache_read_image_pico",
          null::numeric as "cost_input_audio_pico",
          null::numeric as "cost_input_image_pico",
          nullif(total ("cost_output_pico"::bigint), 0)::numeric as "cost_output_pico",
          nullif(total ("cost_reasoning_pico"::bigint), 0)::numeric as "cost_reasoning_pico",
          null::numeric as "cost_output_audio_pico",
          null::numeric as "cost_output_image_pico",
          null::numeric as "cost_citation_pico",
          null::numeric as "cost_request_pico",
          null::numeric as "cost_web_search_pico",
          null::numeric as "cost_file_search_pico",
          null::numeric as "cost_code_execution_pico",
          null::numeric as "cost_audio_second_pico",
          null::numeric as "cost_character_pico",
          null::numeric as "cost_image_pico",
          null::numeric as "cost_page_pico",
          joined (latency_buckets) as latency_bins
        from
          (
            select
              t.project_id,
              t.bucket,
              l.label,
              case
                when (
                  l.value = '(not rolled up)'
                  or not (
                    select
                      exists (
                        select
                          1
                        from
                          crowded_labels c
                        where
                          true
                      )
                  )
                  or not exists (
                    select
                      1
                    from
                      crowded_labels c
                    where
                      c.project_id = t.project_id
                      and c.label = l.label
                      and c.day = date_bin('1 day', t.bucket, 'epoch'::timestamptz)
                  )
                  or exists (
                    select
                      1
                    from
                      rollup c
                    where
                      c.level in (2, 4)
                      and c.project_id = t.project_id
                      and c.label = l.label
                      and c.bucket = date_bin('1 day', t.bucket, 'epoch'::timestamptz)
                      and c.value = l.value
                    offset
                      0
                  )
                ) then l.value
                else '(other)'
              end as value,
              "t"."application",
              "t"."environment",
              "t"."provider",
              "t"."model",
              "t"."operation",
              "t"."service_tier",
              "t"."covered_by",
              "t"."requests",
              "t"."errors",
              "t"."input_tokens",
              "t"."output_tokens",
              "t"."cache_read_tokens",
              "t"."cache_write_tokens",
              "t"."reasoning_tokens",
              "t"."cost_pico",
              "t"."recorded_cost_pico",
              "t"."reported_cost_pico",
              "t"."reported_requests",
              "t"."unpriced_requests",
              "t"."unpriced_tokens",
              "t"."inexact_requests",
              "t"."inexact_cost_pico",
              "t"."plan_cost_pico",
              "t"."unrecorded_requests",
              "t"."latency_count",
              "t"."latency_sum_us",
              "t"."cache_write_1h_tokens",
              "t"."input_audio_tokens",
              "t"."cache_read_audio_tokens",
              "t"."cache_read_image_tokens",
              "t"."output_audio_tokens",
              "t"."input_image_tokens",
              "t"."output_image_tokens",
              "t"."web_searches",
              "t"."citation_tokens",
              "t"."file_searches",
              "t"."code_executions",
              "t"."audio_seconds",
              "t"."input_characters",
              "t"."output_images",
              "t"."pages",
              "t"."cost_input_pico",
              "t"."cost_cache_read_pico",
              "t"."cost_cache_write_pico",
              "t"."cost_cache_write_1h_pico",
              "t"."cost_cache_read_audio_pico",
              "t"."cost_cache_read_image_pico",
              "t"."cost_input_audio_pico",
              "t"."cost_input_image_pico",
              "t"."cost_output_pico",
              "t"."cost_reasoning_pico",
              "t"."cost_output_audio_pico",
              "t"."cost_output_image_pico",
              "t"."cost_citation_pico",
              "t"."cost_request_pico",
              "t"."cost_web_search_pico",
              "t"."cost_file_search_pico",
              "t"."cost_code_execution_pico",
              "t"."cost_audio_second_pico",
              "t"."cost_character_pico",
              "t"."cost_image_pico",
              "t"."cost_page_pico",
              "t"."latency_buckets",
              "t"."latency_counts"
            from
              moved t
              cross join lateral (
                select
                  'user' as label,
                  t.user_id as value
                where
                  t.user_id is not null
                union all
                (
                  select
                    'tag.' || g.key as label,
                    case
                      when g.place > 10
                      and not t.tags ? 'agent' then '(not rolled up)'
                      else g.value
                    end as value
                  from
                    jsonb_each_text(
                      case
                        when t.tags ? 'agent'
                        and exists (
                          select
                            jsonb_object_keys(t.tags)
                          offset
                            10
                        ) then t.tags || (
                          select
                            jsonb_object_agg(o.key, '(not rolled up)')
                          from
                            (
                              select
                                k.key
                              from
                                jsonb_object_keys(t.tags) with ordinality as k (key, place)
                              order by
                                coalesce(
                                  array_position(
                                    array[
                                      'team',
                                      'repository',
                                      'branch',
                                      'agent',
                                      'skill',
                                      'query_source',
                                      'department',
                                      'cost_center',
                                      'subagent',
                                      'mcp_server',
                                      'mcp_tool',
                                      'plugin',
                                      'effort',
                                      'role'
                                    ],
                                    k.key
                                  ),
                                  0
                                ),
                                k.place
                              offset
                                10
                            ) o
                        )
                        else t.tags
                      end
                    ) with ordinality as g (key, value, place)
                )
              ) as l
            where
              t.label = '*'
              and t.is_plain
          ) as plain
        group by
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by"
      ) g
    union all
    select
      "g"."project_id",
      "g"."bucket",
      "g"."label",
      "g"."value",
      "g"."application",
      "g"."environment",
      "g"."provider",
      "g"."model",
      "g"."operation",
      "g"."service_tier",
      "g"."covered_by",
      "g"."requests",
      "g"."errors",
      "g"."input_tokens",
      "g"."output_tokens",
      "g"."cache_read_tokens",
      "g"."cache_write_tokens",
      "g"."reasoning_tokens",
      "g"."cost_pico",
      "g"."recorded_cost_pico",
      "g"."reported_cost_pico",
      "g"."reported_requests",
      "g"."unpriced_requests",
      "g"."unpriced_tokens",
      "g"."inexact_requests",
      "g"."inexact_cost_pico",
      "g"."plan_cost_pico",
      "g"."unrecorded_requests",
      "g"."latency_count",
      "g"."latency_sum_us",
      "g"."cache_write_1h_tokens",
      "g"."input_audio_tokens",
      "g"."cache_read_audio_tokens",
      "g"."cache_read_image_tokens",
      "g"."output_audio_tokens",
      "g"."input_image_tokens",
      "g"."output_image_tokens",
      "g"."web_searches",
      "g"."citation_tokens",
      "g"."file_searches",
      "g"."code_executions",
      "g"."audio_seconds",
      "g"."input_characters",
      "g"."output_images",
      "g"."pages",
      "g"."cost_input_pico",
      "g"."cost_cache_read_pico",
      "g"."cost_cache_write_pico",
      "g"."cost_cache_write_1h_pico",
      "g"."cost_cache_read_audio_pico",
      "g"."cost_cache_read_image_pico",
      "g"."cost_input_audio_pico",
      "g"."cost_input_image_pico",
      "g"."cost_output_pico",
      "g"."cost_reasoning_pico",
      "g"."cost_output_audio_pico",
      "g"."cost_output_image_pico",
      "g"."cost_citation_pico",
      "g"."cost_request_pico",
      "g"."cost_web_search_pico",
      "g"."cost_file_search_pico",
      "g"."cost_code_execution_pico",
      "g"."cost_audio_second_pico",
      "g"."cost_character_pico",
      "g"."cost_image_pico",
      "g"."cost_page_pico",
      case
        when cardinality(g.latency_bins) > 64 then (
          select
            array_agg(
              latency_bin
              order by
                latency_bin
            )
          from
            (
              select
                latency_bin,
                sum(calls)::integer as calls
              from
                unnest(g.latency_bins, g.latency_calls) as one (latency_bin, calls)
              group by
                1
            ) by_bin
          where
            calls <> 0
        )
        else g.latency_bins
      end as latency_buckets,
      case
        when cardinality(g.latency_bins) > 64 then (
          select
            array_agg(
              calls
              order by
                latency_bin
            )
          from
            (
              select
                latency_bin,
                sum(calls)::integer as calls
              from
                unnest(g.latency_bins, g.latency_calls) as one (latency_bin, calls)
              group by
                1
            ) by_bin
          where
            calls <> 0
        )
        when g.counted > 0 then g.latency_calls
      end as latency_counts
    from
      (
        select
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by",
          total ("requests"::bigint)::bigint as "requests",
          nullif(total ("errors"::bigint), 0)::bigint as "errors",
          nullif(total ("input_tokens"::bigint), 0)::bigint as "input_tokens",
          nullif(total ("output_tokens"::bigint), 0)::bigint as "output_tokens",
          nullif(total ("cache_read_tokens"::bigint), 0)::bigint as "cache_read_tokens",
          nullif(total ("cache_write_tokens"::bigint), 0)::bigint as "cache_write_tokens",
          nullif(total ("reasoning_tokens"::bigint), 0)::bigint as "reasoning_tokens",
          nullif(total ("cost_pico"::numeric), 0)::numeric as "cost_pico",
          nullif(total ("recorded_cost_pico"::numeric), 0)::numeric as "recorded_cost_pico",
          nullif(total ("reported_cost_pico"::numeric), 0)::numeric as "reported_cost_pico",
          nullif(total ("reported_requests"::bigint), 0)::bigint as "reported_requests",
          nullif(total ("unpriced_requests"::bigint), 0)::bigint as "unpriced_requests",
          nullif(total ("unpriced_tokens"::bigint), 0)::bigint as "unpriced_tokens",
          nullif(total ("inexact_requests"::bigint), 0)::bigint as "inexact_requests",
          nullif(total ("inexact_cost_pico"::numeric), 0)::numeric as "inexact_cost_pico",
          nullif(total ("plan_cost_pico"::numeric), 0)::numeric as "plan_cost_pico",
          nullif(total ("unrecorded_requests"::bigint), 0)::bigint as "unrecorded_requests",
          nullif(total ("latency_count"::bigint), 0)::bigint as "latency_count",
          nullif(total ("latency_sum_us"::numeric), 0)::numeric as "latency_sum_us",
          nullif(total ("cache_write_1h_tokens"::bigint), 0)::bigint as "cache_write_1h_tokens",
          nullif(total ("input_audio_tokens"::bigint), 0)::bigint as "input_audio_tokens",
          nullif(total ("cache_read_audio_tokens"::bigint), 0)::bigint as "cache_read_audio_tokens",
          nullif(total ("cache_read_image_tokens"::bigint), 0)::bigint as "cache_read_image_tokens",
          nullif(total ("output_audio_tokens"::bigint), 0)::bigint as "output_audio_tokens",
          nullif(total ("input_image_tokens"::bigint), 0)::bigint as "input_image_tokens",
          nullif(total ("output_image_tokens"::bigint), 0)::bigint as "output_image_tokens",
          nullif(total ("web_searches"::bigint), 0)::bigint as "web_searches",
          nullif(total ("citation_tokens"::bigint), 0)::bigint as "citation_tokens",
          nullif(total ("file_searches"::bigint), 0)::bigint as "file_searches",
          nullif(total ("code_executions"::bigint), 0)::bigint as "code_executions",
          nullif(total ("audio_seconds"::bigint), 0)::bigint as "audio_seconds",
          nullif(total ("input_characters"::bigint), 0)::bigint as "input_characters",
          nullif(total ("output_images"::bigint), 0)::bigint as "output_images",
          nullif(total ("pages"::bigint), 0)::bigint as "pages",
          nullif(total ("cost_input_pico"::numeric), 0)::numeric as "cost_input_pico",
          nullif(total ("cost_cache_read_pico"::numeric), 0)::numeric as "cost_cache_read_pico",
          nullif(total ("cost_cache_write_pico"::numeric), 0)::numeric as "cost_cache_write_pico",
          nullif(total ("cost_cache_write_1h_pico"::numeric), 0)::numeric as "cost_cache_write_1h_pico",
          nullif(total ("cost_cache_read_audio_pico"::numeric), 0)::numeric as "cost_cache_read_audio_pico",
          nullif(total ("cost_cache_read_image_pico"::numeric), 0)::numeric as "cost_cache_read_image_pico",
          nullif(total ("cost_input_audio_pico"::numeric), 0)::numeric as "cost_input_audio_pico",
          nullif(total ("cost_input_image_pico"::numeric), 0)::numeric as "cost_input_image_pico",
          nullif(total ("cost_output_pico"::numeric), 0)::numeric as "cost_output_pico",
          nullif(total ("cost_reasoning_pico"::numeric), 0)::numeric as "cost_reasoning_pico",
          nullif(total ("cost_output_audio_pico"::numeric), 0)::numeric as "cost_output_audio_pico",
          nullif(total ("cost_output_image_pico"::numeric), 0)::numeric as "cost_output_image_pico",
          nullif(total ("cost_citation_pico"::numeric), 0)::numeric as "cost_citation_pico",
          nullif(total ("cost_request_pico"::numeric), 0)::numeric as "cost_request_pico",
          nullif(total ("cost_web_search_pico"::numeric), 0)::numeric as "cost_web_search_pico",
          nullif(total ("cost_file_search_pico"::numeric), 0)::numeric as "cost_file_search_pico",
          nullif(total ("cost_code_execution_pico"::numeric), 0)::numeric as "cost_code_execution_pico",
          nullif(total ("cost_audio_second_pico"::numeric), 0)::numeric as "cost_audio_second_pico",
          nullif(total ("cost_character_pico"::numeric), 0)::numeric as "cost_character_pico",
          nullif(total ("cost_image_pico"::numeric), 0)::numeric as "cost_image_pico",
          nullif(total ("cost_page_pico"::numeric), 0)::numeric as "cost_page_pico",
          joined (latency_buckets) as latency_bins,
          count(latency_counts) as counted,
          joined (
            case
              when latency_buckets is not null then coalesce(latency_counts, array_fill(1, array[cardinality(latency_buckets)]))
            end
          ) as latency_calls
        from
          (
            select
              t.project_id,
              t.bucket,
              l.label,
              case
                when (
                  l.value = '(not rolled up)'
                  or not (
                    select
                      exists (
                        select
                          1
                        from
                          crowded_labels c
                        where
                          true
                      )
                  )
                  or not exists (
                    select
                      1
                    from
                      crowded_labels c
                    where
                      c.project_id = t.project_id
                      and c.label = l.label
                      and c.day = date_bin('1 day', t.bucket, 'epoch'::timestamptz)
                  )
                  or exists (
                    select
                      1
                    from
                      rollup c
                    where
                      c.level in (2, 4)
                      and c.project_id = t.project_id
                      and c.label = l.label
                      and c.bucket = date_bin('1 day', t.bucket, 'epoch'::timestamptz)
                      and c.value = l.value
                    offset
                      0
                  )
                ) then l.value
                else '(other)'
              end as value,
              "t"."application",
              "t"."environment",
              "t"."provider",
              "t"."model",
              "t"."operation",
              "t"."service_tier",
              "t"."covered_by",
              "t"."requests",
              "t"."errors",
              "t"."input_tokens",
              "t"."output_tokens",
              "t"."cache_read_tokens",
              "t"."cache_write_tokens",
              "t"."reasoning_tokens",
              "t"."cost_pico",
              "t"."recorded_cost_pico",
              "t"."reported_cost_pico",
              "t"."reported_requests",
              "t"."unpriced_requests",
              "t"."unpriced_tokens",
              "t"."inexact_requests",
              "t"."inexact_cost_pico",
              "t"."plan_cost_pico",
              "t"."unrecorded_requests",
              "t"."latency_count",
              "t"."latency_sum_us",
              "t"."cache_write_1h_tokens",
              "t"."input_audio_tokens",
              "t"."cache_read_audio_tokens",
              "t"."cache_read_image_tokens",
              "t"."output_audio_tokens",
              "t"."input_image_tokens",
              "t"."output_image_tokens",
              "t"."web_searches",
              "t"."citation_tokens",
              "t"."file_searches",
              "t"."code_executions",
              "t"."audio_seconds",
              "t"."input_characters",
              "t"."output_images",
              "t"."pages",
              "t"."cost_input_pico",
              "t"."cost_cache_read_pico",
              "t"."cost_cache_write_pico",
              "t"."cost_cache_write_1h_pico",
              "t"."cost_cache_read_audio_pico",
              "t"."cost_cache_read_image_pico",
              "t"."cost_input_audio_pico",
              "t"."cost_input_image_pico",
              "t"."cost_output_pico",
              "t"."cost_reasoning_pico",
              "t"."cost_output_audio_pico",
              "t"."cost_output_image_pico",
              "t"."cost_citation_pico",
              "t"."cost_request_pico",
              "t"."cost_web_search_pico",
              "t"."cost_file_search_pico",
              "t"."cost_code_execution_pico",
              "t"."cost_audio_second_pico",
              "t"."cost_character_pico",
              "t"."cost_image_pico",
              "t"."cost_page_pico",
              "t"."latency_buckets",
              "t"."latency_counts"
            from
              moved t
              cross join lateral (
                select
                  'user' as label,
                  t.user_id as value
                where
                  t.user_id is not null
                union all
                (
                  select
                    'tag.' || g.key as label,
                    case
                      when g.place > 10
                      and not t.tags ? 'agent' then '(not rolled up)'
                      else g.value
                    end as value
                  from
                    jsonb_each_text(
                      case
                        when t.tags ? 'agent'
                        and exists (
                          select
                            jsonb_object_keys(t.tags)
                          offset
                            10
                        ) then t.tags || (
                          select
                            jsonb_object_agg(o.key, '(not rolled up)')
                          from
                            (
                              select
                                k.key
                              from
                                jsonb_object_keys(t.tags) with ordinality as k (key, place)
                              order by
                                coalesce(
                                  array_position(
                                    array[
                                      'team',
                                      'repository',
                                      'branch',
                                      'agent',
                                      'skill',
                                      'query_source',
                                      'department',
                                      'cost_center',
                                      'subagent',
                                      'mcp_server',
                                      'mcp_tool',
                                      'plugin',
                                      'effort',
                                      'role'
                                    ],
                                    k.key
                                  ),
                                  0
                                ),
                                k.place
                              offset
                                10
                            ) o
                        )
                        else t.tags
                      end
                    ) with ordinality as g (key, value, place)
                )
              ) as l
            where
              t.label = '*'
              and not t.is_plain
          ) as other
        group by
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by"
      ) g
  ),
  main as materialized (
    select
      s.*,
      h.latency_buckets,
      h.latency_counts
    from
      (
        select
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by",
          total ("requests"::bigint)::bigint as "requests",
          nullif(total ("errors"::bigint), 0)::bigint as "errors",
          nullif(total ("input_tokens"::bigint), 0)::bigint as "input_tokens",
          nullif(total ("output_tokens"::bigint), 0)::bigint as "output_tokens",
          nullif(total ("cache_read_tokens"::bigint), 0)::bigint as "cache_read_tokens",
          nullif(total ("cache_write_tokens"::bigint), 0)::bigint as "cache_write_tokens",
          nullif(total ("reasoning_tokens"::bigint), 0)::bigint as "reasoning_tokens",
          nullif(total ("cost_pico"::numeric), 0)::numeric as "cost_pico",
          nullif(total ("recorded_cost_pico"::numeric), 0)::numeric as "recorded_cost_pico",
          nullif(total ("reported_cost_pico"::numeric), 0)::numeric as "reported_cost_pico",
          nullif(total ("reported_requests"::bigint), 0)::bigint as "reported_requests",
          nullif(total ("unpriced_requests"::bigint), 0)::bigint as "unpriced_requests",
          nullif(total ("unpriced_tokens"::bigint), 0)::bigint as "unpriced_tokens",
          nullif(total ("inexact_requests"::bigint), 0)::bigint as "inexact_requests",
          nullif(total ("inexact_cost_pico"::numeric), 0)::numeric as "inexact_cost_pico",
          nullif(total ("plan_cost_pico"::numeric), 0)::numeric as "plan_cost_pico",
          nullif(total ("unrecorded_requests"::bigint), 0)::bigint as "unrecorded_requests",
          nullif(total ("latency_count"::bigint), 0)::bigint as "latency_count",
          nullif(total ("latency_sum_us"::numeric), 0)::numeric as "latency_sum_us",
          nullif(total ("cache_write_1h_tokens"::bigint), 0)::bigint as "cache_write_1h_tokens",
          nullif(total ("input_audio_tokens"::bigint), 0)::bigint as "input_audio_tokens",
          nullif(total ("cache_read_audio_tokens"::bigint), 0)::bigint as "cache_read_audio_tokens",
          nullif(total ("cache_read_image_tokens"::bigint), 0)::bigint as "cache_read_image_tokens",
          nullif(total ("output_audio_tokens"::bigint), 0)::bigint as "output_audio_tokens",
          nullif(total ("input_image_tokens"::bigint), 0)::bigint as "input_image_tokens",
          nullif(total ("output_image_tokens"::bigint), 0)::bigint as "output_image_tokens",
          nullif(total ("web_searches"::bigint), 0)::bigint as "web_searches",
          nullif(total ("citation_tokens"::bigint), 0)::bigint as "citation_tokens",
          nullif(total ("file_searches"::bigint), 0)::bigint as "file_searches",
          nullif(total ("code_executions"::bigint), 0)::bigint as "code_executions",
          nullif(total ("audio_seconds"::bigint), 0)::bigint as "audio_seconds",
          nullif(total ("input_characters"::bigint), 0)::bigint as "input_characters",
          nullif(total ("output_images"::bigint), 0)::bigint as "output_images",
          nullif(total ("pages"::bigint), 0)::bigint as "pages",
          nullif(total ("cost_input_pico"::numeric), 0)::numeric as "cost_input_pico",
          nullif(total ("cost_cache_read_pico"::numeric), 0)::numeric as "cost_cache_read_pico",
          nullif(total ("cost_cache_write_pico"::numeric), 0)::numeric as "cost_cache_write_pico",
          nullif(total ("cost_cache_write_1h_pico"::numeric), 0)::numeric as "cost_cache_write_1h_pico",
          nullif(total ("cost_cache_read_audio_pico"::numeric), 0)::numeric as "cost_cache_read_audio_pico",
          nullif(total ("cost_cache_read_image_pico"::numeric), 0)::numeric as "cost_cache_read_image_pico",
          nullif(total ("cost_input_audio_pico"::numeric), 0)::numeric as "cost_input_audio_pico",
          nullif(total ("cost_input_image_pico"::numeric), 0)::numeric as "cost_input_image_pico",
          nullif(total ("cost_output_pico"::numeric), 0)::numeric as "cost_output_pico",
          nullif(total ("cost_reasoning_pico"::numeric), 0)::numeric as "cost_reasoning_pico",
          nullif(total ("cost_output_audio_pico"::numeric), 0)::numeric as "cost_output_audio_pico",
          nullif(total ("cost_output_image_pico"::numeric), 0)::numeric as "cost_output_image_pico",
          nullif(total ("cost_citation_pico"::numeric), 0)::numeric as "cost_citation_pico",
          nullif(total ("cost_request_pico"::numeric), 0)::numeric as "cost_request_pico",
          nullif(total ("cost_web_search_pico"::numeric), 0)::numeric as "cost_web_search_pico",
          nullif(total ("cost_file_search_pico"::numeric), 0)::numeric as "cost_file_search_pico",
          nullif(total ("cost_code_execution_pico"::numeric), 0)::numeric as "cost_code_execution_pico",
          nullif(total ("cost_audio_second_pico"::numeric), 0)::numeric as "cost_audio_second_pico",
          nullif(total ("cost_character_pico"::numeric), 0)::numeric as "cost_character_pico",
          nullif(total ("cost_image_pico"::numeric), 0)::numeric as "cost_image_pico",
          nullif(total ("cost_page_pico"::numeric), 0)::numeric as "cost_page_pico"
        from
          (
            select
              "project_id",
              "bucket",
              "label",
              "value",
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
              "latency_buckets",
              "latency_counts"
            from
              moved
            where
              label <> '*'
          ) as m
        group by
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by"
      ) s
      full join (
        select
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by",
          array_agg(latency_bin) as latency_buckets,
          array_agg(calls) as latency_counts
        from
          (
            select
              "project_id",
              "bucket",
              "label",
              "value",
              "application",
              "environment",
              "provider",
              "model",
              "operation",
              "service_tier",
              "covered_by",
              latency_bin,
              sum(coalesce(calls, 1))::integer as calls
            from
              (
                select
                  "project_id",
                  "bucket",
                  "label",
                  "value",
                  "application",
                  "environment",
                  "provider",
                  "model",
                  "operation",
                  "service_tier",
                  "covered_by",
                  unnest(latency_buckets) as latency_bin,
                  unnest(latency_counts) as calls
                from
                  (
                    select
                      "project_id",
                      "bucket",
                      "label",
                      "value",
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
                      "latency_buckets",
                      "latency_counts"
                    from
                      moved
                    where
                      label <> '*'
                  ) as m
              ) one
            group by
              "project_id",
              "bucket",
              "label",
              "value",
              "application",
              "environment",
              "provider",
              "model",
              "operation",
              "service_tier",
              "covered_by",
              latency_bin
          ) by_bin
        where
          calls <> 0
        group by
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by"
      ) h using (
        "project_id",
        "bucket",
        "label",
        "value",
        "application",
        "environment",
        "provider",
        "model",
        "operation",
        "service_tier",
        "covered_by"
      )
  ),
  fresh as materialized (
    select
      *
    from
      labelled
    union all
    select
      *
    from
      main
    union all
    select
      s.*,
      h.latency_buckets,
      h.latency_counts
    from
      (
        select
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by",
          total ("requests"::bigint)::bigint as "requests",
          nullif(total ("errors"::bigint), 0)::bigint as "errors",
          nullif(total ("input_tokens"::bigint), 0)::bigint as "input_tokens",
          nullif(total ("output_tokens"::bigint), 0)::bigint as "output_tokens",
          nullif(total ("cache_read_tokens"::bigint), 0)::bigint as "cache_read_tokens",
          nullif(total ("cache_write_tokens"::bigint), 0)::bigint as "cache_write_tokens",
          nullif(total ("reasoning_tokens"::bigint), 0)::bigint as "reasoning_tokens",
          nullif(total ("cost_pico"::numeric), 0)::numeric as "cost_pico",
          nullif(total ("recorded_cost_pico"::numeric), 0)::numeric as "recorded_cost_pico",
          nullif(total ("reported_cost_pico"::numeric), 0)::numeric as "reported_cost_pico",
          nullif(total ("reported_requests"::bigint), 0)::bigint as "reported_requests",
          nullif(total ("unpriced_requests"::bigint), 0)::bigint as "unpriced_requests",
          nullif(total ("unpriced_tokens"::bigint), 0)::bigint as "unpriced_tokens",
          nullif(total ("inexact_requests"::bigint), 0)::bigint as "inexact_requests",
          nullif(total ("inexact_cost_pico"::numeric), 0)::numeric as "inexact_cost_pico",
          nullif(total ("plan_cost_pico"::numeric), 0)::numeric as "plan_cost_pico",
          nullif(total ("unrecorded_requests"::bigint), 0)::bigint as "unrecorded_requests",
          nullif(total ("latency_count"::bigint), 0)::bigint as "latency_count",
          nullif(total ("latency_sum_us"::numeric), 0)::numeric as "latency_sum_us",
          nullif(total ("cache_write_1h_tokens"::bigint), 0)::bigint as "cache_write_1h_tokens",
          nullif(total ("input_audio_tokens"::bigint), 0)::bigint as "input_audio_tokens",
          nullif(total ("cache_read_audio_tokens"::bigint), 0)::bigint as "cache_read_audio_tokens",
          nullif(total ("cache_read_image_tokens"::bigint), 0)::bigint as "cache_read_image_tokens",
          nullif(total ("output_audio_tokens"::bigint), 0)::bigint as "output_audio_tokens",
          nullif(total ("input_image_tokens"::bigint), 0)::bigint as "input_image_tokens",
          nullif(total ("output_image_tokens"::bigint), 0)::bigint as "output_image_tokens",
          nullif(total ("web_searches"::bigint), 0)::bigint as "web_searches",
          nullif(total ("citation_tokens"::bigint), 0)::bigint as "citation_tokens",
          nullif(total ("file_searches"::bigint), 0)::bigint as "file_searches",
          nullif(total ("code_executions"::bigint), 0)::bigint as "code_executions",
          nullif(total ("audio_seconds"::bigint), 0)::bigint as "audio_seconds",
          nullif(total ("input_characters"::bigint), 0)::bigint as "input_characters",
          nullif(total ("output_images"::bigint), 0)::bigint as "output_images",
          nullif(total ("pages"::bigint), 0)::bigint as "pages",
          nullif(total ("cost_input_pico"::numeric), 0)::numeric as "cost_input_pico",
          nullif(total ("cost_cache_read_pico"::numeric), 0)::numeric as "cost_cache_read_pico",
          nullif(total ("cost_cache_write_pico"::numeric), 0)::numeric as "cost_cache_write_pico",
          nullif(total ("cost_cache_write_1h_pico"::numeric), 0)::numeric as "cost_cache_write_1h_pico",
          nullif(total ("cost_cache_read_audio_pico"::numeric), 0)::numeric as "cost_cache_read_audio_pico",
          nullif(total ("cost_cache_read_image_pico"::numeric), 0)::numeric as "cost_cache_read_image_pico",
          nullif(total ("cost_input_audio_pico"::numeric), 0)::numeric as "cost_input_audio_pico",
          nullif(total ("cost_input_image_pico"::numeric), 0)::numeric as "cost_input_image_pico",
          nullif(total ("cost_output_pico"::numeric), 0)::numeric as "cost_output_pico",
          nullif(total ("cost_reasoning_pico"::numeric), 0)::numeric as "cost_reasoning_pico",
          nullif(total ("cost_output_audio_pico"::numeric), 0)::numeric as "cost_output_audio_pico",
          nullif(total ("cost_output_image_pico"::numeric), 0)::numeric as "cost_output_image_pico",
          nullif(total ("cost_citation_pico"::numeric), 0)::numeric as "cost_citation_pico",
          nullif(total ("cost_request_pico"::numeric), 0)::numeric as "cost_request_pico",
          nullif(total ("cost_web_search_pico"::numeric), 0)::numeric as "cost_web_search_pico",
          nullif(total ("cost_file_search_pico"::numeric), 0)::numeric as "cost_file_search_pico",
          nullif(total ("cost_code_execution_pico"::numeric), 0)::numeric as "cost_code_execution_pico",
          nullif(total ("cost_audio_second_pico"::numeric), 0)::numeric as "cost_audio_second_pico",
          nullif(total ("cost_character_pico"::numeric), 0)::numeric as "cost_character_pico",
          nullif(total ("cost_image_pico"::numeric), 0)::numeric as "cost_image_pico",
          nullif(total ("cost_page_pico"::numeric), 0)::numeric as "cost_page_pico"
        from
          (
            select
              project_id,
              bucket,
              '(environment,operation)' as label,
              value,
              '' as "application",
              "environment" as "environment",
              '' as "provider",
              '' as "model",
              "operation" as "operation",
              '' as "service_tier",
              '' as "covered_by",
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
            from
              main
            where
              label = ''
            union all
            select
              project_id,
              bucket,
              '(application)' as label,
              value,
              "application" as "application",
              '' as "environment",
              '' as "provider",
              '' as "model",
              '' as "operation",
              '' as "service_tier",
              '' as "covered_by",
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
            from
              main
            where
              label = ''
            union all
            select
              project_id,
              bucket,
              '(provider,model)' as label,
              value,
              '' as "application",
              '' as "environment",
              "provider" as "provider",
              "model" as "model",
              '' as "operation",
              '' as "service_tier",
              '' as "covered_by",
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
            from
              main
            where
              label = ''
          ) as in_sets
        group by
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by"
      ) s
      full join (
        select
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by",
          array_agg(latency_bin) as latency_buckets,
          array_agg(calls) as latency_counts
        from
          (
            select
              "project_id",
              "bucket",
              "label",
              "value",
              "application",
              "environment",
              "provider",
              "model",
              "operation",
              "service_tier",
              "covered_by",
              latency_bin,
              sum(coalesce(calls, 1))::integer as calls
            from
              (
                select
                  "project_id",
                  "bucket",
                  "label",
                  "value",
                  "application",
                  "environment",
                  "provider",
                  "model",
                  "operation",
                  "service_tier",
                  "covered_by",
                  unnest(latency_buckets) as latency_bin,
                  unnest(latency_counts) as calls
                from
                  (
                    select
                      project_id,
                      bucket,
                      '(environment,operation)' as label,
                      value,
                      '' as "application",
                      "environment" as "environment",
                      '' as "provider",
                      '' as "model",
                      "operation" as "operation",
                      '' as "service_tier",
                      '' as "covered_by",
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
                    from
                      main
                    where
                      label = ''
                    union all
                    select
                      project_id,
                      bucket,
                      '(application)' as label,
                      value,
                      "application" as "application",
                      '' as "environment",
                      '' as "provider",
                      '' as "model",
                      '' as "operation",
                      '' as "service_tier",
                      '' as "covered_by",
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
                    from
                      main
                    where
                      label = ''
                    union all
                    select
                      project_id,
                      bucket,
                      '(provider,model)' as label,
                      value,
                      '' as "application",
                      '' as "environment",
                      "provider" as "provider",
                      "model" as "model",
                      '' as "operation",
                      '' as "service_tier",
                      '' as "covered_by",
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
                    from
                      main
                    where
                      label = ''
                  ) as in_sets
              ) one
            group by
              "project_id",
              "bucket",
              "label",
              "value",
              "application",
              "environment",
              "provider",
              "model",
              "operation",
              "service_tier",
              "covered_by",
              latency_bin
          ) by_bin
        where
          calls <> 0
        group by
          "project_id",
          "bucket",
          "label",
          "value",
          "application",
          "environment",
          "provider",
          "model",
          "operation",
          "service_tier",
          "covered_by"
      ) h using (
        "project_id",
        "bucket",
        "label",
        "value",
        "application",
        "environment",
        "provider",
        "model",
        "operation",
        "service_tier",
        "covered_by"
      )
  ),
  slices as materialized (
    select
      s.*,
      coalesce(
        (
          select
            r.value
          from
            rollup r
          where
            r.level = s.level
            and r.project_id = s.project_id
            and r.label = s.label
            and r.bucket = s.start
          order by
            r.value
          limit
            1
        ),
        (
          select
            r.value
          from
            rollup r
          where
            r.level = s.level - 2
            and r.project_id = s.project_id
            and r.label = s.label
            and r.bucket = s.start
          order by
            r.value
          limit
            1
        )
      ) is not null
      or s.hours > 1 as is_fresh
    from
      (
        select
          l.level,
          f.project_id,
          f.label,
          f.bucket,
          l.start,
          count(*) over (
            partition by
              l.level,
              f.project_id,
              f.label,
              l.start
          ) as hours
        from
          (
            select distinct
              project_id,
              label,
              bucket
            from
              fresh
          ) f
          cross join lateral (
            values
              (3, bucket),
              (4, date_bin('1 day', bucket, 'epoch'::timestamptz)),
              (7, date_bin('7 days', bucket, '1970-01-05Z'::timestamptz))
          ) as l (level, start)
        where
          l.level <> 7
          or f.label in ('', '(environment,operation)', '(application)', '(provider,model)')
      ) s
  ),
  put as (
    insert into
      rollup (
        level,
        format,
        "project_id",
        "bucket",
        "label",
        "value",
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
        "latency_buckets",
        "latency_counts"
      )
    select
      case
        when s.is_fresh then s.level
        else s.level - 2
      end,
      5,
      f.project_id,
      s.start,
      "f"."label",
      "f"."value",
      "f"."application",
      "f"."environment",
      "f"."provider",
      "f"."model",
      "f"."operation",
      "f"."service_tier",
      "f"."covered_by",
      "f"."requests",
      "f"."errors",
      "f"."input_tokens",
      "f"."output_tokens",
      "f"."cache_read_tokens",
      "f"."cache_write_tokens",
      "f"."reasoning_tokens",
      "f"."cost_pico",
      "f"."recorded_cost_pico",
      "f"."reported_cost_pico",
      "f"."reported_requests",
      "f"."unpriced_requests",
      "f"."unpriced_tokens",
      "f"."inexact_requests",
      "f"."inexact_cost_pico",
      "f"."plan_cost_pico",
      "f"."unrecorded_requests",
      "f"."latency_count",
      "f"."latency_sum_us",
      "f"."cache_write_1h_tokens",
      "f"."input_audio_tokens",
      "f"."cache_read_audio_tokens",
      "f"."cache_read_image_tokens",
      "f"."output_audio_tokens",
      "f"."input_image_tokens",
      "f"."output_image_tokens",
      "f"."web_searches",
      "f"."citation_tokens",
      "f"."file_searches",
      "f"."code_executions",
      "f"."audio_seconds",
      "f"."input_characters",
      "f"."output_images",
      "f"."pages",
      "f"."cost_input_pico",
      "f"."cost_cache_read_pico",
      "f"."cost_cache_write_pico",
      "f"."cost_cache_write_1h_pico",
      "f"."cost_cache_read_audio_pico",
      "f"."cost_cache_read_image_pico",
      "f"."cost_input_audio_pico",
      "f"."cost_input_image_pico",
      "f"."cost_output_pico",
      "f"."cost_reasoning_pico",
      "f"."cost_output_audio_pico",
      "f"."cost_output_image_pico",
      "f"."cost_citation_pico",
      "f"."cost_request_pico",
      "f"."cost_web_search_pico",
      "f"."cost_file_search_pico",
      "f"."cost_code_execution_pico",
      "f"."cost_audio_second_pico",
      "f"."cost_character_pico",
      "f"."cost_image_pico",
      "f"."cost_page_pico",
      "f"."latency_buckets",
      "f"."latency_counts"
    from
      fresh f
      join slices s on s.project_id = f.project_id
      and s.label = f.label
      and s.bucket = f.bucket
  ),
  noted as (
    insert into
      days_to_repair (project_id, day)
    select distinct
      project_id,
      date_bin('1 day', bucket, 'epoch'::timestamptz)
    from
      moved
    where
      coalesce(format, 0) < 5
    order by
      1,
      2
    on conflict (project_id, day) do update
    set
      noted_at = excluded.noted_at
  )
select
  count(*)::int as merged,
  (
    select
      jsonb_agg(jsonb_build_array(project_id, label, day))
    from
      (
        select distinct
          project_id,
          label,
          start as day
        from
          slices
        where
          level = 4
          and label not in ('', '(environment,operation)', '(application)', '(provider,model)')
      ) d
  ) as label_days
from
  moved
