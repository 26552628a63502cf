-- SPDX-License-Identifier: MIT
-- setting_bi: a value that means nothing is refused.
CREATE OR REPLACE TRIGGER setting_bi BEFORE INSERT ON setting FOR EACH ROW
BEGIN
	DECLARE v_text VARCHAR(128) DEFAULT
		setting_fault(NEW.name, NEW.value);

	IF v_text IS NOT NULL THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
END
