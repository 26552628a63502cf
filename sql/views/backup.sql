-- SPDX-License-Identifier: MIT
-- backup: the table of 2021, the rows of `test` above a reference, under the id
-- they have there.  The document's last column had no name.
CREATE OR REPLACE VIEW backup AS
SELECT b.camera_id << 32 | TO_SECONDS(b.start_at) - 63113904000 AS id,
       b.start_at AS start_date, b.end_at AS end_date, b.people, b.vehicle,
       ELT(b.exceeded & 3, 'Outlier People', 'Outlier Vehicle',
	   'Outlier People & Vehicle') AS outlier
FROM averaged_camera c JOIN outlier_backup b ON b.camera_id = c.camera_id
WHERE b.exceeded & 3 AND b.state <> 'withdrawn'
