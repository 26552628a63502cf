-- SPDX-License-Identifier: MIT
-- judge_batch: the outlier rule holds for the new rows of batch_row, which are
-- stored.  One join of outlier_rule finds the outliers among them, judge_record
-- writes them.  A rule that fails must not lose the rows: they are in
-- trigger_failure then, but dead-locks are the writer's to hear of.  In the
-- transaction of its caller, put_batch.
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
	STRAIGHT_JOIN outlier_rule r ON r.camera_id = b.camera_id
		AND r.start_at = b.start_at
	SET b.suspect = TRUE
	WHERE b.verdict = 'new' AND (r.exceeded <> '' OR r.below <> '');
	FOR b IN (SELECT camera_id, start_at FROM batch_row WHERE suspect
		  ORDER BY camera_id, start_at)
	DO
		CALL judge_record(b.camera_id, b.start_at, TRUE);
	END FOR;
END
