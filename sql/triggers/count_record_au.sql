-- SPDX-License-Identifier: MIT
-- count_record_au: a corrected row is recounted and judged again; one written
-- with the values it has (as by ON DUPLICATE KEY UPDATE) costs nothing.
CREATE OR REPLACE TRIGGER count_record_au AFTER UPDATE ON count_record
FOR EACH ROW
IF NOT (NEW.camera_id <=> OLD.camera_id
	AND NEW.start_at <=> OLD.start_at
	AND NEW.end_at <=> OLD.end_at
	AND NEW.people <=> OLD.people
	AND NEW.vehicle <=> OLD.vehicle
	AND NEW.face <=> OLD.face
	AND NEW.people_new <=> OLD.people_new
	AND NEW.vehicle_new <=> OLD.vehicle_new
	AND NEW.face_new <=> OLD.face_new
	AND NEW.car <=> OLD.car
	AND NEW.bus <=> OLD.bus
	AND NEW.truck <=> OLD.truck
	AND NEW.motorcycle <=> OLD.motorcycle
	AND NEW.bicycle <=> OLD.bicycle
	AND NEW.scooter <=> OLD.scooter
	AND NEW.observed_s <=> OLD.observed_s)
THEN
	CALL refuse_unkept(OLD.start_at);
	INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
	VALUES (OLD.start_at
		- INTERVAL (TO_SECONDS(OLD.start_at) MOD 900) SECOND,
		OLD.camera_id);
	IF NEW.camera_id <> OLD.camera_id OR NEW.start_at <> OLD.start_at THEN
		INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
		VALUES (NEW.start_at
			- INTERVAL (TO_SECONDS(NEW.start_at) MOD 900) SECOND,
			NEW.camera_id);
		CALL withdraw_outlier(OLD.camera_id, OLD.start_at);
	END IF;
	INSERT INTO stream_inbox (row_n, runs)
	VALUES (1, CONCAT(NEW.camera_id, ' ', NEW.start_at + 0, ' 0 1'));
	CALL judge_written(NEW.camera_id, NEW.start_at,
		JSON_ARRAY(JSON_ARRAY(
			NEW.camera_id, NEW.start_at, NEW.end_at, NEW.people,
			NEW.vehicle, NEW.face, NEW.people_new, NEW.vehicle_new,
			NEW.face_new, NEW.car, NEW.bus, NEW.truck,
			NEW.motorcycle, NEW.bicycle, NEW.scooter,
			NEW.observed_s)),
		FALSE);
END IF
