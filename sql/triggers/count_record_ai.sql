-- SPDX-License-Identifier: MIT
-- count_record_ai: a new row marks its quarter hour for the next roll-up and is
-- judged by the outlier rule.  The rule is judge_record's; what stands here
-- only asks, with one look at two primary keys and at no cost of a DECLARE,
-- whether judge_record has anything to do.  A camera without a clock gives
-- NULL, and judge_record then says what is wrong with it.
CREATE OR REPLACE TRIGGER count_record_ai AFTER INSERT ON count_record
FOR EACH ROW
BEGIN
	INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
	VALUES (NEW.start_at
		- INTERVAL (TO_SECONDS(NEW.start_at) MOD 900) SECOND,
		NEW.camera_id);
	IF COALESCE((
		SELECT NEW.start_at < c.valid_from OR NEW.start_at >= c.valid_to
		       OR COALESCE(NEW.people > r.people_reference
				   OR NEW.vehicle > r.vehicle_reference
				   OR NEW.face > r.face_reference
				   OR NEW.people <= r.people_low
				   OR NEW.vehicle <= r.vehicle_low
				   OR NEW.face <= r.face_low, FALSE)
		FROM camera_clock c LEFT JOIN reference_value r
			ON r.camera_id = c.camera_id
			AND r.slot = ((TO_SECONDS(NEW.start_at) + c.offset_s)
				      DIV 3600 + 120) MOD 168
		WHERE c.camera_id = NEW.camera_id), TRUE)
	THEN
		CALL judge_record(
			NEW.camera_id, NEW.start_at, NEW.end_at, NEW.people,
			NEW.vehicle, NEW.face, NEW.people_new, NEW.vehicle_new,
			NEW.face_new, NEW.car, NEW.bus, NEW.truck,
			NEW.motorcycle, NEW.bicycle, NEW.scooter,
			NEW.observed_s);
	END IF;
END
