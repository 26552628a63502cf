-- SPDX-License-Identifier: MIT
-- api: what tally-api may do.  Statistics, outliers and marks are written by
-- triggers and procedures, which run with their owner's rights.
GRANT SELECT, INSERT, UPDATE, DELETE ON count_record TO tally_api@localhost;
GRANT SELECT, INSERT, UPDATE ON camera TO tally_api@localhost;
GRANT SELECT, INSERT ON site TO tally_api@localhost;
GRANT SELECT, INSERT ON time_zone TO tally_api@localhost;
GRANT SELECT, INSERT ON calendar_day TO tally_api@localhost;
GRANT SELECT, INSERT ON calendar_offset TO tally_api@localhost;
GRANT SELECT, UPDATE (last_used_at) ON token TO tally_api@localhost;
GRANT SELECT ON token_camera TO tally_api@localhost;
GRANT SELECT ON user TO tally_api@localhost;
GRANT SELECT, INSERT, DELETE ON session TO tally_api@localhost;
GRANT SELECT ON setting TO tally_api@localhost;
GRANT SELECT ON stats_quarter TO tally_api@localhost;
GRANT SELECT ON stats_hour TO tally_api@localhost;
GRANT SELECT ON stats_day TO tally_api@localhost;
GRANT SELECT ON reference_value TO tally_api@localhost;
GRANT SELECT ON reference_camera TO tally_api@localhost;
GRANT SELECT, UPDATE (state, note) ON outlier_backup TO tally_api@localhost;
GRANT SELECT, UPDATE (state, note) ON outlier_low TO tally_api@localhost;
GRANT SELECT ON outlier TO tally_api@localhost;
GRANT SELECT ON job_run TO tally_api@localhost;
GRANT SELECT ON job_state TO tally_api@localhost;
GRANT SELECT ON dirty_quarter TO tally_api@localhost;
GRANT SELECT ON health TO tally_api@localhost;
GRANT EXECUTE ON PROCEDURE roll_up_now TO tally_api@localhost;
