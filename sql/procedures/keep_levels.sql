-- SPDX-License-Identifier: MIT
-- keep_levels: moves the bounds of the levels above raw rows.  Each is kept as
-- long as its setting says, and longer where something may still be computed
-- from it.  A row may come at the bound of raw rows: its hour may begin in the
-- UTC day before, its local date may be that day's, and the week, month and
-- year of that date are summed up from their days and months, the month's
-- profile from its hours.  So a bound never passes that of a finer level, and
-- years outlast all.
CREATE OR REPLACE PROCEDURE keep_levels()
MODIFIES SQL DATA
BEGIN
	DECLARE v_from DATE;

	-- A day before a month begins.
	SET v_from = LEAST(keep_limit('quarter'), kept_from('raw'));
	CALL keep_from('quarter', v_from - INTERVAL DAY(v_from) DAY);
	-- Where the month begins.
	SET v_from = LEAST(keep_limit('hour'),
			   kept_from('quarter') - INTERVAL 1 DAY);
	CALL keep_from('hour', v_from - INTERVAL DAY(v_from) - 1 DAY);
	SET v_from = LEAST(keep_limit('profile'), kept_from('hour'));
	CALL keep_from('profile_month', v_from - INTERVAL DAY(v_from) - 1 DAY);
	-- A week before a month begins: its first day's week is whole.
	SET v_from = LEAST(keep_limit('day'), kept_from('hour'));
	CALL keep_from('day', v_from - INTERVAL DAY(v_from) + 6 DAY);
	SET v_from = LEAST(keep_limit('week'), kept_from('day'));
	CALL keep_from('week', v_from - INTERVAL WEEKDAY(v_from) DAY);
	-- Where the year begins.
	SET v_from = LEAST(keep_limit('month'), kept_from('day'));
	SET v_from = v_from - INTERVAL DAYOFYEAR(v_from) - 1 DAY;
	CALL keep_from('month', v_from);
	CALL keep_from('weekday_month', v_from);
	SET v_from = LEAST(keep_limit('year'), kept_from('week'),
			   kept_from('month'), kept_from('profile_month'));
	SET v_from = v_from - INTERVAL DAYOFYEAR(v_from) - 1 DAY;
	CALL keep_from('year', v_from);
	CALL keep_from('weekday_year', v_from);
END
