-- SPDX-License-Identifier: MIT
-- camera_ai: every camera has a clock from its first moment on.
CREATE OR REPLACE TRIGGER camera_ai AFTER INSERT ON camera FOR EACH ROW
CALL set_clock(NEW.time_zone_id, NEW.camera_id)
