-- SPDX-License-Identifier: MIT
-- monthly_thu_stats: table of 2021, the Thursdays of each month that is over.
CREATE OR REPLACE VIEW monthly_thu_stats AS
SELECT _id, start_date, avg_people, std_people, avg_vehicle, std_vehicle
FROM averaged_weekday_month WHERE weekday = 4
