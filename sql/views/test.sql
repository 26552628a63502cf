-- SPDX-License-Identifier: MIT
-- test: the table of 2021, the rows as they came, in UTC.  Takes rows as well;
-- those are the default camera's (count_record_bi).
CREATE OR REPLACE VIEW test AS
SELECT id, start_at AS start_date, end_at AS end_date, people, vehicle
FROM count_record
WHERE camera_id IN (SELECT camera_id FROM averaged_camera)
