-- SPDX-License-Identifier: MIT
-- worker: what tally-worker may do; {worker} is its account.
GRANT SELECT ON job_run TO {worker};
GRANT SELECT ON job_state TO {worker};
GRANT SELECT ON setting TO {worker};
GRANT SELECT ON health TO {worker};
GRANT SELECT ON site TO {worker};
GRANT SELECT ON camera TO {worker};
GRANT SELECT, INSERT ON time_zone TO {worker};
GRANT SELECT, INSERT, UPDATE ON calendar_day TO {worker};
GRANT SELECT, INSERT, UPDATE ON calendar_offset TO {worker};
GRANT EXECUTE ON PROCEDURE run_minute TO {worker};
