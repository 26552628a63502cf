-- SPDX-License-Identifier: MIT
-- ingest_state: how each tally-ingest fares: running, stopped (it said so), or
-- late: it has not spoken for a minute, and its figures are as old.  Ages are
-- seconds; oldest_s is that of the next row in line, NULL where none waits.
CREATE OR REPLACE VIEW ingest_state AS
SELECT ingest_id,
       reporter,
       name,
       CASE WHEN stopped THEN 'stopped'
	    WHEN at < UTC_TIMESTAMP() - INTERVAL 60 SECOND THEN 'late'
	    ELSE 'running' END AS state,
       at,
       TIMESTAMPDIFF(SECOND, at, UTC_TIMESTAMP()) AS age_s,
       version,
       up_s,
       waiting_n,
       fresh_n,
       oldest_at,
       GREATEST(0, TIMESTAMPDIFF(SECOND, oldest_at, UTC_TIMESTAMP()))
	AS oldest_s,
       bytes_n,
       bytes_max,
       is_full,
       refused_n,
       quarantined_n,
       lost_n,
       expired_n,
       stored_n,
       error
FROM ingest
