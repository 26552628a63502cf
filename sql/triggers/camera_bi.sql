-- SPDX-License-Identifier: MIT
-- camera_bi: time_zone_id is the camera's own zone, else its site's.
CREATE OR REPLACE TRIGGER camera_bi BEFORE INSERT ON camera FOR EACH ROW
SET NEW.time_zone_id = camera_zone(NEW.tz, NEW.site_id)
