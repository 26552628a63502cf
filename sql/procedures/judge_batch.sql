-- SPDX-License-Identifier: MIT
-- judge_batch: the outlier rule holds for the new rows of batch_row.  One join
-- finds those that may be concerned, as the insert trigger does for one row;
-- judge_rows has the rule.  In the transaction of its caller, put_batch.
CREATE OR REPLACE PROCEDURE judge_batch()
MODIFIES SQL DATA
BEGIN
	DECLARE v_rows LONGTEXT DEFAULT '';
	DECLARE v_n INT DEFAULT 0;

	BEGIN
		DECLARE EXIT HANDLER FOR 1205, 1206, 1213, 1467 RESIGNAL;
		-- judge_rows then notes of each what is wrong.
		DECLARE EXIT HANDLER FOR SQLEXCEPTION
			UPDATE batch_row SET suspect = TRUE
			WHERE verdict = 'new';

		UPDATE batch_row b
		STRAIGHT_JOIN camera c ON c.camera_id = b.camera_id
		STRAIGHT_JOIN calendar_offset o ON o.time_zone_id = c.time_zone_id
			AND o.day_utc = CAST(b.start_at AS DATE)
		STRAIGHT_JOIN reference_value r ON r.camera_id = b.camera_id
			AND r.slot = ((TO_SECONDS(b.start_at)
				+ IF(o.change_at IS NULL OR b.start_at < o.change_at,
				     o.offset_s, o.offset2_s))
				DIV 3600 + 120) MOD 168
		SET b.suspect = TRUE
		WHERE b.verdict = 'new'
		  AND (b.people > r.people_reference
		       OR b.vehicle > r.vehicle_reference
		       OR b.face > r.face_reference
		       OR b.people <= r.people_low
		       OR b.vehicle <= r.vehicle_low
		       OR b.face <= r.face_low);
	END;
	FOR b IN (SELECT JSON_ARRAY(camera_id, start_at, end_at, people,
			vehicle, face, people_new, vehicle_new, face_new, car,
			bus, truck, motorcycle, bicycle, scooter,
			observed_s) AS row
		  FROM batch_row WHERE suspect ORDER BY camera_id, start_at)
	DO
		SET v_rows = CONCAT_WS(',', NULLIF(v_rows, ''), b.row),
		    v_n = v_n + 1;
		IF v_n MOD 500 = 0 THEN
			CALL judge_rows(CONCAT('[', v_rows, ']'), TRUE);
			SET v_rows = '';
		END IF;
	END FOR;
	CALL judge_rows(CONCAT('[', v_rows, ']'), TRUE);
END
