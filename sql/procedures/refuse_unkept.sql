-- SPDX-License-Identifier: MIT
-- refuse_unkept: a row that begins before raw rows are kept cannot be written,
-- corrected or deleted: its quarter hour could not be counted again.
-- The share lock makes keep_raw wait for the transactions of all writers
-- before it moves the bound, and so before it lets rows go.
CREATE OR REPLACE PROCEDURE refuse_unkept(p_start_at DATETIME)
READS SQL DATA
BEGIN
	DECLARE v_text VARCHAR(128);
	DECLARE v_from DATETIME;

	SELECT kept_from INTO v_from FROM retention WHERE level = 'raw'
	LOCK IN SHARE MODE;
	IF p_start_at < v_from THEN
		SET v_text = CONCAT('start_at ', p_start_at, ' is before ',
				    v_from, ': rows that old are not kept');
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
END
