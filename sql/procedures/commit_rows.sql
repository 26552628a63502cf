-- SPDX-License-Identifier: MIT
-- commit_rows: the end of the API's transaction: judges those of its rows that
-- may be outliers, of one side and the other, and commits, if the references
-- still are of the version by which they were chosen and the oldest row is still
-- kept.  One row: was it committed, this version, and from when on
-- rows are kept.  Where it was not, nothing is judged either, and these stay as
-- they are until the transaction ends: choose again, and call again.
CREATE OR REPLACE PROCEDURE commit_rows(
	p_version BIGINT UNSIGNED, p_oldest DATETIME,
	p_high LONGTEXT, p_low LONGTEXT)
MODIFIES SQL DATA
BEGIN
	DECLARE v_good BOOLEAN;
	DECLARE v_version BIGINT UNSIGNED;
	DECLARE v_kept_from DATETIME;

	SELECT v.version, k.kept_from,
	       v.version = p_version AND p_oldest >= k.kept_from
	INTO v_version, v_kept_from, v_good
	FROM reference_version v JOIN retention k
	WHERE v.only_row = 1 AND k.level = 'raw' LOCK IN SHARE MODE;
	IF v_good THEN
		IF p_high <> '[]' THEN
			CALL judge_high(p_high);
		END IF;
		IF p_low <> '[]' THEN
			CALL judge_low(p_low);
		END IF;
		COMMIT;
	END IF;
	SELECT v_good, v_version, v_kept_from + 0;
END
