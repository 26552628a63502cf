-- SPDX-License-Identifier: MIT
-- health: how the scheduled work fares, in one row.  Ages are seconds, NULL for
-- never.  lag_s is the age of the oldest mark that is not counted yet; beyond, the
-- rows (a thousand at most) in no month's partition.
CREATE OR REPLACE VIEW health AS
SELECT scheduler_state() AS scheduler,
       event_state() AS event_state,
       TIMESTAMPDIFF(SECOND, j.event_at, UTC_TIMESTAMP(3)) AS event_age_s,
       TIMESTAMPDIFF(SECOND, j.run_at, UTC_TIMESTAMP(3)) AS run_age_s,
       TIMESTAMPDIFF(SECOND, j.ok_at, UTC_TIMESTAMP(3)) AS ok_age_s,
       j.runner AS runner,
       j.error_at AS error_at,
       IF(j.error_at > COALESCE(j.ok_at, '2000-01-01'), j.error, NULL) AS error,
       (SELECT COUNT(*) FROM dirty_quarter)
	+ (SELECT COUNT(*) FROM claimed_quarter) AS dirty,
       COALESCE(GREATEST(0, TIMESTAMPDIFF(SECOND, LEAST(
	COALESCE((SELECT MIN(marked_at) FROM dirty_quarter), UTC_TIMESTAMP(3)),
	COALESCE((SELECT MIN(marked_at) FROM claimed_quarter),
		 UTC_TIMESTAMP(3))), UTC_TIMESTAMP(3))), 0) AS lag_s,
       j.partitions_to AS partitions_to,
       (SELECT MIN((SELECT o.day_utc FROM calendar_offset o
		    WHERE o.time_zone_id = z.time_zone_id
		    ORDER BY o.day_utc DESC LIMIT 1))
	FROM (SELECT DISTINCT time_zone_id FROM camera) z) AS calendar_to,
       (SELECT COUNT(*) FROM trigger_failure
	WHERE failed_at > UTC_TIMESTAMP() - INTERVAL 1 DAY) AS trigger_failures,
       (SELECT COUNT(*) FROM (SELECT 1 FROM count_record PARTITION (pmax)
			      LIMIT 1000) p) AS beyond,
       NULLIF(kept_from('raw'), '1000-01-01') AS kept_from,
       (SELECT r.error FROM job_state r
	WHERE r.job = 'retention'
	  AND r.error_at > COALESCE(r.ok_at, '2000-01-01')) AS retention_error
FROM job_state j WHERE j.job = 'minute'
