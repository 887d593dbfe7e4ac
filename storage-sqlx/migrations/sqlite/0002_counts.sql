-- Numbers that are kept with every change, so that no answer has to count.
--
-- Triggers keep them, for no statement can forget those. None of them fires where a device is only
-- seen, or a sensor only gets a new reading.

-- How many of an organization's devices have a STATUS, are ONLINE, are at a SITE, have a PROFILE,
-- belong to a GROUP; how many of its sensors have a VALUE_TYPE. What is not there is 0; an empty
-- value stands for devices without a site or a profile.
CREATE TABLE tally (
    organization_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    value ANY NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (organization_id, kind, value)
) STRICT, WITHOUT ROWID;

-- Groups that have not been counted to their end: only devices up to this one are in the tally.
CREATE TABLE uncounted_group (
    organization_id BLOB NOT NULL,
    id BLOB NOT NULL,
    counted_to BLOB NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

-- The tags by which the groups of a device are found: each group under the first of the tags that
-- it wants all, else under each of which it wants any, else under the empty one.
CREATE TABLE group_tag (
    organization_id BLOB NOT NULL,
    tag TEXT NOT NULL,
    group_id BLOB NOT NULL,
    PRIMARY KEY (organization_id, tag, group_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX group_tag_by_group ON group_tag (group_id);

-- Who inserts here adds to the tally.
CREATE VIEW tally_change (organization_id, kind, value, count) AS SELECT * FROM tally WHERE false;

CREATE TRIGGER tally_change_added INSTEAD OF INSERT ON tally_change BEGIN
    INSERT INTO tally (organization_id, kind, value, count)
    VALUES (NEW.organization_id, NEW.kind, NEW.value, NEW.count)
    ON CONFLICT DO UPDATE SET count = count + excluded.count;
    DELETE FROM tally WHERE organization_id = NEW.organization_id AND kind = NEW.kind
    AND value = NEW.value AND count = 0;
END;

-- Who inserts here adds to the tally of all groups that choose a device with these tags.
CREATE VIEW membership_change (organization_id, device_id, tags, count) AS
SELECT organization_id, value, kind, count FROM tally WHERE false;

CREATE TRIGGER membership_change_added INSTEAD OF INSERT ON membership_change BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count)
    SELECT g.organization_id, 'GROUP', g.id, NEW.count FROM device_group AS g
    WHERE g.organization_id = NEW.organization_id
    AND g.id IN (SELECT group_id FROM group_tag WHERE organization_id = NEW.organization_id
        AND tag IN (SELECT value FROM json_each(NEW.tags) UNION ALL SELECT ''))
    AND NOT EXISTS (SELECT 1 FROM json_each(g.selector_all) AS s
        WHERE s.value NOT IN (SELECT value FROM json_each(NEW.tags)))
    AND (g.selector_any = '[]' OR EXISTS (SELECT 1 FROM json_each(g.selector_any) AS s
        WHERE s.value IN (SELECT value FROM json_each(NEW.tags))))
    AND NOT EXISTS (SELECT 1 FROM json_each(g.selector_none) AS s
        WHERE s.value IN (SELECT value FROM json_each(NEW.tags)))
    AND NOT EXISTS (SELECT 1 FROM uncounted_group AS u
        WHERE u.organization_id = g.organization_id AND u.id = g.id
        AND u.counted_to < NEW.device_id);
END;

CREATE TRIGGER device_added AFTER INSERT ON device BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count) VALUES
        (NEW.organization_id, 'STATUS', NEW.status, 1),
        (NEW.organization_id, 'SITE', ifnull(NEW.site_id, x''), 1),
        (NEW.organization_id, 'PROFILE', ifnull(NEW.profile, ''), 1);
    INSERT INTO tally_change (organization_id, kind, value, count)
    SELECT NEW.organization_id, 'ONLINE', '', 1 WHERE NEW.online;
    INSERT INTO membership_change (organization_id, device_id, tags, count)
    VALUES (NEW.organization_id, NEW.id, NEW.tags, 1);
END;

-- Its sensors go out of sight with it.
CREATE TRIGGER device_removed AFTER DELETE ON device BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count) VALUES
        (OLD.organization_id, 'STATUS', OLD.status, -1),
        (OLD.organization_id, 'SITE', ifnull(OLD.site_id, x''), -1),
        (OLD.organization_id, 'PROFILE', ifnull(OLD.profile, ''), -1);
    INSERT INTO tally_change (organization_id, kind, value, count)
    SELECT OLD.organization_id, 'ONLINE', '', -1 WHERE OLD.online;
    INSERT INTO membership_change (organization_id, device_id, tags, count)
    VALUES (OLD.organization_id, OLD.id, OLD.tags, -1);
    INSERT INTO tally_change (organization_id, kind, value, count)
    SELECT OLD.organization_id, 'VALUE_TYPE', value_type, -count(*) FROM sensor
    WHERE organization_id = OLD.organization_id AND device_id = OLD.id GROUP BY value_type;
END;

CREATE TRIGGER device_status_changed AFTER UPDATE OF status ON device
WHEN OLD.status <> NEW.status BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count) VALUES
        (OLD.organization_id, 'STATUS', OLD.status, -1),
        (NEW.organization_id, 'STATUS', NEW.status, 1);
END;

CREATE TRIGGER device_online_changed AFTER UPDATE OF online ON device
WHEN OLD.online <> NEW.online BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count)
    VALUES (NEW.organization_id, 'ONLINE', '', NEW.online - OLD.online);
END;

CREATE TRIGGER device_site_changed AFTER UPDATE OF site_id ON device
WHEN OLD.site_id IS NOT NEW.site_id BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count) VALUES
        (OLD.organization_id, 'SITE', ifnull(OLD.site_id, x''), -1),
        (NEW.organization_id, 'SITE', ifnull(NEW.site_id, x''), 1);
END;

CREATE TRIGGER device_profile_changed AFTER UPDATE OF profile ON device
WHEN OLD.profile IS NOT NEW.profile BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count) VALUES
        (OLD.organization_id, 'PROFILE', ifnull(OLD.profile, ''), -1),
        (NEW.organization_id, 'PROFILE', ifnull(NEW.profile, ''), 1);
END;

CREATE TRIGGER device_tags_changed AFTER UPDATE OF tags ON device
WHEN OLD.tags <> NEW.tags BEGIN
    INSERT INTO membership_change (organization_id, device_id, tags, count) VALUES
        (OLD.organization_id, OLD.id, OLD.tags, -1),
        (NEW.organization_id, NEW.id, NEW.tags, 1);
END;

-- Sensors of a deleted device were taken out with it.
CREATE TRIGGER sensor_added AFTER INSERT ON sensor
WHEN EXISTS (SELECT 1 FROM device AS d
    WHERE d.organization_id = NEW.organization_id AND d.id = NEW.device_id) BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count)
    VALUES (NEW.organization_id, 'VALUE_TYPE', NEW.value_type, 1);
END;

CREATE TRIGGER sensor_removed AFTER DELETE ON sensor
WHEN EXISTS (SELECT 1 FROM device AS d
    WHERE d.organization_id = OLD.organization_id AND d.id = OLD.device_id) BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count)
    VALUES (OLD.organization_id, 'VALUE_TYPE', OLD.value_type, -1);
END;

CREATE TRIGGER sensor_type_changed AFTER UPDATE OF value_type ON sensor
WHEN OLD.value_type <> NEW.value_type AND EXISTS (SELECT 1 FROM device AS d
    WHERE d.organization_id = NEW.organization_id AND d.id = NEW.device_id) BEGIN
    INSERT INTO tally_change (organization_id, kind, value, count) VALUES
        (OLD.organization_id, 'VALUE_TYPE', OLD.value_type, -1),
        (NEW.organization_id, 'VALUE_TYPE', NEW.value_type, 1);
END;

-- The tags under which a group is found.
CREATE VIEW group_lead (organization_id, tag, group_id) AS
SELECT g.organization_id, j.value, g.id FROM device_group AS g, json_each(CASE
    WHEN g.selector_all <> '[]' THEN json_array(g.selector_all ->> 0)
    WHEN g.selector_any <> '[]' THEN g.selector_any
    ELSE '[""]' END) AS j;

CREATE TRIGGER group_added AFTER INSERT ON device_group BEGIN
    INSERT INTO group_tag (organization_id, tag, group_id)
    SELECT organization_id, tag, group_id FROM group_lead
    WHERE organization_id = NEW.organization_id AND group_id = NEW.id;
    INSERT INTO uncounted_group (organization_id, id, counted_to)
    VALUES (NEW.organization_id, NEW.id, x'');
END;

CREATE TRIGGER group_removed AFTER DELETE ON device_group BEGIN
    DELETE FROM group_tag WHERE group_id = OLD.id;
    DELETE FROM uncounted_group WHERE organization_id = OLD.organization_id AND id = OLD.id;
    DELETE FROM tally
    WHERE organization_id = OLD.organization_id AND kind = 'GROUP' AND value = OLD.id;
END;

CREATE TRIGGER group_selector_changed AFTER UPDATE OF selector_all, selector_any, selector_none
ON device_group WHEN OLD.selector_all <> NEW.selector_all OR OLD.selector_any <> NEW.selector_any
OR OLD.selector_none <> NEW.selector_none BEGIN
    DELETE FROM group_tag WHERE group_id = OLD.id;
    DELETE FROM tally
    WHERE organization_id = OLD.organization_id AND kind = 'GROUP' AND value = OLD.id;
    INSERT INTO group_tag (organization_id, tag, group_id)
    SELECT organization_id, tag, group_id FROM group_lead
    WHERE organization_id = NEW.organization_id AND group_id = NEW.id;
    INSERT INTO uncounted_group (organization_id, id, counted_to)
    VALUES (NEW.organization_id, NEW.id, x'')
    ON CONFLICT DO UPDATE SET counted_to = x'';
END;

-- The filters of lists that had no index of their own.
DROP INDEX device_by_figures;
CREATE INDEX device_by_online ON device (organization_id, online, id);
CREATE INDEX sensor_by_type ON sensor (organization_id, value_type, id);
CREATE INDEX token_by_fate ON token (organization_id, fate, id);
CREATE INDEX quarantine_by_reason ON quarantine (organization_id, reason, id);

-- What is there already. Groups are counted in small steps, later.
INSERT INTO tally SELECT organization_id, 'STATUS', status, count(*) FROM device GROUP BY 1, 3;
INSERT INTO tally SELECT organization_id, 'ONLINE', '', count(*) FROM device
WHERE online GROUP BY 1;
INSERT INTO tally SELECT organization_id, 'SITE', ifnull(site_id, x''), count(*) FROM device
GROUP BY 1, 3;
INSERT INTO tally SELECT organization_id, 'PROFILE', ifnull(profile, ''), count(*) FROM device
GROUP BY 1, 3;
INSERT INTO tally SELECT s.organization_id, 'VALUE_TYPE', s.value_type, count(*) FROM sensor AS s
WHERE EXISTS (SELECT 1 FROM device AS d
    WHERE d.organization_id = s.organization_id AND d.id = s.device_id)
GROUP BY 1, 3;
INSERT INTO group_tag (organization_id, tag, group_id)
SELECT organization_id, tag, group_id FROM group_lead;
INSERT INTO uncounted_group (organization_id, id, counted_to)
SELECT organization_id, id, x'' FROM device_group;
