-- SPDX-License-Identifier: MIT
-- note_offset: the offsets of one day of a zone are in time_zone_offset.  Who
-- remembers references does so by the zone's clocks, and is told of a new one.
CREATE OR REPLACE PROCEDURE note_offset(p_time_zone_id SMALLINT UNSIGNED,
					p_offset_s MEDIUMINT,
					p_offset2_s MEDIUMINT)
MODIFIES SQL DATA
BEGIN
	DECLARE v_other MEDIUMINT DEFAULT COALESCE(p_offset2_s, p_offset_s);

	IF (SELECT COUNT(*) FROM time_zone_offset
	    WHERE time_zone_id = p_time_zone_id
	      AND offset_s IN (p_offset_s, v_other))
		< 1 + (v_other <> p_offset_s)
	THEN
		INSERT IGNORE INTO time_zone_offset (time_zone_id, offset_s)
		VALUES (p_time_zone_id, p_offset_s), (p_time_zone_id, v_other);
		UPDATE reference_version SET version = version + 1;
	END IF;
END
