-- SPDX-License-Identifier: MIT
-- 0024: every offset that a zone's clocks have or had, found without a look at
-- each day.  Triggers of calendar_offset keep it.

CREATE TABLE IF NOT EXISTS time_zone_offset (
	time_zone_id SMALLINT UNSIGNED NOT NULL,
	offset_s MEDIUMINT NOT NULL,
	PRIMARY KEY (time_zone_id, offset_s)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO time_zone_offset (time_zone_id, offset_s)
SELECT time_zone_id, offset_s FROM calendar_offset
UNION
SELECT time_zone_id, offset2_s FROM calendar_offset
WHERE offset2_s IS NOT NULL;
