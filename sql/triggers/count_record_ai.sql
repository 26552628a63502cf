-- SPDX-License-Identifier: MIT
-- count_record_ai: a new row marks its quarter hour for the next roll-up and is
-- judged by the outlier rule.  The rule is judge_rows's; what stands here only
-- asks, with four looks at primary keys and without a variable, whether it has
-- anything to do.  A camera or a day that is not there, or no longer, gives
-- NULL, and judge_written then says what is wrong.
-- A mark that cannot be set must fail the write; the rule must not.  What
-- /stream tells is noted too.
-- A writer that sets @tally_bulk marks, notes and judges its whole batch by
-- itself, in the same transaction (api/writer.c, put_batch): the trigger then
-- stands back.
CREATE OR REPLACE TRIGGER count_record_ai AFTER INSERT ON count_record
FOR EACH ROW
IF @tally_bulk IS NULL THEN
	INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
	VALUES (NEW.start_at
		- INTERVAL (TO_SECONDS(NEW.start_at) MOD 900) SECOND,
		NEW.camera_id);
	INSERT INTO stream_inbox (row_n, runs)
	VALUES (1, CONCAT(NEW.camera_id, ' ', NEW.start_at + 0, ' 0 1'));
	BEGIN
		DECLARE EXIT HANDLER FOR SQLSTATE '45000', 1205, 1206, 1213, 1467
			RESIGNAL;
		DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN
			GET DIAGNOSTICS CONDITION 1
				@tally_errno = MYSQL_ERRNO,
				@tally_text = MESSAGE_TEXT;
			CALL note_failure(NEW.camera_id, NEW.start_at,
					  @tally_errno, @tally_text);
		END;
		IF COALESCE((
			SELECT (NEW.people > r.people_reference
				OR NEW.vehicle > r.vehicle_reference
				OR NEW.face > r.face_reference
				OR NEW.people <= r.people_low
				OR NEW.vehicle <= r.vehicle_low
				OR NEW.face <= r.face_low) IS TRUE
			FROM retention k JOIN camera c
			JOIN calendar_offset o
				ON o.time_zone_id = c.time_zone_id
				AND o.day_utc = CAST(NEW.start_at AS DATE)
			LEFT JOIN reference_value r
				ON r.camera_id = c.camera_id
				AND r.slot = ((TO_SECONDS(NEW.start_at)
					+ IF(o.change_at IS NULL
					     OR NEW.start_at < o.change_at,
					     o.offset_s, o.offset2_s))
					DIV 3600 + 120) MOD 168
			WHERE k.level = 'raw'
			  AND NEW.start_at >= k.kept_from
			  AND c.camera_id = NEW.camera_id), TRUE)
		THEN
			CALL judge_written(NEW.camera_id, NEW.start_at,
				JSON_ARRAY(JSON_ARRAY(
					NEW.camera_id, NEW.start_at,
					NEW.end_at, NEW.people, NEW.vehicle,
					NEW.face, NEW.people_new,
					NEW.vehicle_new, NEW.face_new, NEW.car,
					NEW.bus, NEW.truck, NEW.motorcycle,
					NEW.bicycle, NEW.scooter,
					NEW.observed_s)),
				TRUE);
		END IF;
	END;
END IF
