-- SPDX-License-Identifier: MIT
-- averaged_today: the date that is not over yet at some averaged_camera.
CREATE OR REPLACE VIEW averaged_today AS
SELECT MIN(CAST(UTC_TIMESTAMP() + INTERVAL
		IF(o.change_at IS NULL OR UTC_TIMESTAMP() < o.change_at,
		   o.offset_s, o.offset2_s) SECOND AS DATE)) AS today
FROM averaged_camera a JOIN camera c ON c.camera_id = a.camera_id
JOIN calendar_offset o ON o.time_zone_id = c.time_zone_id
	AND o.day_utc = UTC_DATE()
