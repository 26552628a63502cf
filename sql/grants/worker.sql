-- SPDX-License-Identifier: MIT
-- worker: what tally-worker may do.
GRANT SELECT ON job_run TO tally_worker@localhost;
GRANT SELECT ON job_state TO tally_worker@localhost;
GRANT SELECT ON setting TO tally_worker@localhost;
GRANT SELECT ON health TO tally_worker@localhost;
GRANT SELECT ON site TO tally_worker@localhost;
GRANT SELECT ON camera TO tally_worker@localhost;
GRANT SELECT, INSERT ON time_zone TO tally_worker@localhost;
GRANT SELECT, INSERT ON calendar_day TO tally_worker@localhost;
GRANT SELECT, INSERT ON calendar_offset TO tally_worker@localhost;
GRANT EXECUTE ON PROCEDURE run_minute TO tally_worker@localhost;
