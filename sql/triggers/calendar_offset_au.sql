-- SPDX-License-Identifier: MIT
-- calendar_offset_au: an offset that is new to its zone.
CREATE OR REPLACE TRIGGER calendar_offset_au AFTER UPDATE ON calendar_offset
FOR EACH ROW
CALL note_offset(NEW.time_zone_id, NEW.offset_s, NEW.offset2_s)
