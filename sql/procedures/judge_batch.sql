-- SPDX-License-Identifier: MIT
-- judge_batch: the outlier rule holds for the new rows of batch_row.  One join
-- finds those that may be concerned, as the insert trigger does for one row;
-- judge_record has the rule.  A rule that fails must not lose the rows: they
-- are in trigger_failure then, but dead-locks are the writer's to hear of.
-- In the transaction of its caller: put_batch, or the API's committer.
CREATE OR REPLACE PROCEDURE judge_batch()
MODIFIES SQL DATA
BEGIN
	DECLARE EXIT HANDLER FOR SQLSTATE '45000', 1205, 1206, 1213, 1467 RESIGNAL;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		DECLARE v_errno INT;
		DECLARE v_text TEXT;
		GET DIAGNOSTICS CONDITION 1
			v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
		FOR b IN (SELECT camera_id, start_at FROM batch_row
			  WHERE verdict = 'new')
		DO
			CALL note_failure(b.camera_id, b.start_at, v_errno,
					  v_text);
		END FOR;
	END;

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
	FOR b IN (SELECT camera_id, start_at FROM batch_row WHERE suspect
		  ORDER BY camera_id, start_at)
	DO
		CALL judge_record(b.camera_id, b.start_at, TRUE);
	END FOR;
END
