-- SPDX-License-Identifier: MIT
-- site_au: cameras without a zone of their own follow their site's.
CREATE OR REPLACE TRIGGER site_au AFTER UPDATE ON site FOR EACH ROW
BEGIN
	IF NEW.tz <> OLD.tz THEN
		UPDATE camera SET tz = NULL
		WHERE site_id = NEW.site_id AND tz IS NULL;
	END IF;
	UPDATE stats_version SET version = version + 1;
END
