-- SPDX-License-Identifier: MIT
-- site_ad: who remembers a site's statistics is to look again.
CREATE OR REPLACE TRIGGER site_ad AFTER DELETE ON site FOR EACH ROW
UPDATE stats_version SET version = version + 1
