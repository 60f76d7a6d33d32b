-- Articles, which everybody reads once they are published, and news of companies to their people.
CREATE TABLE articles (
    id uuid PRIMARY KEY,
    slug text NOT NULL CHECK (length(slug) BETWEEN 1 AND 100),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    excerpt text CHECK (length(excerpt) BETWEEN 1 AND 500),
    content text NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 65536),
    content_html text NOT NULL CHECK (octet_length(content_html) <= 524288),
    category text CHECK (length(category) BETWEEN 1 AND 80),
    tags text[] NOT NULL CHECK (cardinality(tags) <= 20),
    status text NOT NULL CHECK (status IN ('DRAFT', 'PUBLISHED')),
    published_at timestamptz,
    view_count bigint NOT NULL DEFAULT 0 CHECK (view_count >= 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- Where it stands in lists.
    listed_at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(published_at, created_at)) STORED,
    CONSTRAINT articles_slug_key UNIQUE (slug),
    CONSTRAINT articles_published CHECK ((status = 'PUBLISHED') = (published_at IS NOT NULL))
);
CREATE INDEX articles_listed ON articles (listed_at DESC, id DESC);
CREATE INDEX articles_by_status ON articles (status, listed_at DESC, id DESC);
CREATE INDEX articles_by_category ON articles (category, listed_at DESC, id DESC);
-- The tags once more, one a row: under row security no operator on arrays reaches an index.
CREATE TABLE article_tags (
    tag text NOT NULL CHECK (length(tag) BETWEEN 1 AND 40),
    article_id uuid NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    status text NOT NULL,
    CONSTRAINT article_tags_pkey PRIMARY KEY (tag, article_id)
);
CREATE INDEX article_tags_article ON article_tags (article_id);
-- What keys the visitors of one day, and who was there. Neither outlives the day, so that nobody can
-- tie a visit to a person later: unlogged, they are in no log of changes and in no copy of it, and a
-- crash of the server empties them, which counts some visitors of that day twice.
CREATE UNLOGGED TABLE article_visit_salts (
    day date PRIMARY KEY,
    salt bytea NOT NULL CHECK (length(salt) = 32)
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
CREATE UNLOGGED TABLE article_visits (
    day date NOT NULL,
    article_id uuid NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    visitor bytea NOT NULL CHECK (length(visitor) = 32),
    CONSTRAINT article_visits_pkey PRIMARY KEY (article_id, day, visitor)
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
CREATE INDEX article_visits_day ON article_visits (day);

CREATE TABLE news (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies (id),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    content text NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 65536),
    content_html text NOT NULL CHECK (octet_length(content_html) <= 524288),
    -- Empty for everybody of the company.
    target_departments text[] NOT NULL CHECK (cardinality(target_departments) <= 50),
    published_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX news_of_company ON news (company_id, published_at DESC, id DESC);

ALTER TABLE articles ENABLE ROW LEVEL SECURITY;
ALTER TABLE articles FORCE ROW LEVEL SECURITY;
ALTER TABLE article_tags ENABLE ROW LEVEL SECURITY;
ALTER TABLE article_tags FORCE ROW LEVEL SECURITY;
ALTER TABLE article_visit_salts ENABLE ROW LEVEL SECURITY;
ALTER TABLE article_visit_salts FORCE ROW LEVEL SECURITY;
ALTER TABLE article_visits ENABLE ROW LEVEL SECURITY;
ALTER TABLE article_visits FORCE ROW LEVEL SECURITY;
ALTER TABLE news ENABLE ROW LEVEL SECURITY;
ALTER TABLE news FORCE ROW LEVEL SECURITY;

GRANT SELECT, DELETE ON articles, news TO huntzen_app;
-- Views are counted by a function alone; what a thing is and when it was made stays as it was.
GRANT INSERT (id, slug, title, excerpt, content, content_html, category, tags, status, published_at, created_at,
    updated_at) ON articles TO huntzen_app;
GRANT UPDATE (slug, title, excerpt, content, content_html, category, tags, status, published_at, updated_at)
    ON articles TO huntzen_app;
GRANT INSERT (id, company_id, title, content, content_html, target_departments, published_at, updated_at)
    ON news TO huntzen_app;
GRANT UPDATE (title, content, content_html, target_departments, updated_at) ON news TO huntzen_app;
GRANT SELECT ON article_tags TO huntzen_app;
-- No policy shows the program a row of these two.
GRANT SELECT ON article_visit_salts, article_visits TO huntzen_app;
GRANT SELECT, UPDATE (view_count) ON articles TO huntzen_internal;
GRANT SELECT, INSERT, DELETE ON article_tags, article_visit_salts, article_visits TO huntzen_internal;
GRANT SELECT ON news TO huntzen_internal;

CREATE POLICY articles_public ON articles FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) IS NOT NULL AND status = 'PUBLISHED');
CREATE POLICY articles_administrators ON articles TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN') WITH CHECK ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY articles_internal ON articles TO huntzen_internal USING (true) WITH CHECK (true);
CREATE POLICY article_tags_public ON article_tags FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) IS NOT NULL AND status = 'PUBLISHED');
CREATE POLICY article_tags_administrators ON article_tags FOR SELECT TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_HUNTZEN');
CREATE POLICY article_tags_internal ON article_tags TO huntzen_internal USING (true) WITH CHECK (true);
CREATE POLICY article_visit_salts_internal ON article_visit_salts TO huntzen_internal
    USING (true) WITH CHECK (true);
CREATE POLICY article_visits_internal ON article_visits TO huntzen_internal USING (true) WITH CHECK (true);
-- Employees read theirs through a function, which knows their department of today.
CREATE POLICY news_hr ON news TO huntzen_app
    USING ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()))
    WITH CHECK ((SELECT scope_role()) = 'ADMIN_RH' AND company_id = (SELECT scope_company()));
CREATE POLICY news_internal ON news FOR SELECT TO huntzen_internal USING (true);

GRANT CREATE ON SCHEMA public TO huntzen_internal;
CREATE FUNCTION articles_tag() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM article_tags WHERE article_id = NEW.id;
    INSERT INTO article_tags (tag, article_id, status)
    SELECT DISTINCT tag, NEW.id, NEW.status FROM unnest(NEW.tags) AS tag;
    RETURN NULL;
END $$;

-- What keys the visitors of a day: whoever asks first brings it, and all others get the same. What
-- keyed an earlier day is forgotten then, with its visitors. A node whose clock is behind goes on in
-- the day that has begun.
CREATE FUNCTION article_visit_salt(of_day date, fresh bytea) RETURNS TABLE (day date, salt bytea)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    IF scope_role() IS NULL THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM article_visit_salts s WHERE s.day >= of_day) THEN
        -- One at a time: of two who forget at once each could wait for the other.
        PERFORM pg_advisory_xact_lock(hashtextextended('huntzen:visits', 0));
        IF NOT EXISTS (SELECT FROM article_visit_salts s WHERE s.day >= of_day) THEN
            DELETE FROM article_visits v WHERE v.day < of_day;
            DELETE FROM article_visit_salts s WHERE s.day < of_day;
            INSERT INTO article_visit_salts (day, salt) VALUES (of_day, fresh);
        END IF;
    END IF;
    RETURN QUERY SELECT s.day, s.salt FROM article_visit_salts s WHERE s.day >= of_day ORDER BY s.day DESC LIMIT 1;
END $$;

-- Counts a visit of a published article, once for each visitor and day; whether it did.
CREATE FUNCTION count_article_visit(article uuid, of_day date, by_visitor bytea) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    -- Held, so that it is not deleted before its visit is written; as firmly as the count is written below,
    -- so that nobody who holds it to delete it waits for a visitor who waits for them.
    PERFORM FROM articles WHERE id = article AND status = 'PUBLISHED' AND scope_role() IS NOT NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO article_visits (day, article_id, visitor) VALUES (of_day, article, by_visitor)
    ON CONFLICT ON CONSTRAINT article_visits_pkey DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE articles SET view_count = view_count + 1 WHERE id = article;
    RETURN true;
END $$;

-- Forgets what keyed the days before today, and who was there; answers how many days that were. Days that
-- have not begun anywhere are some clock's error: as long as one is there no salt is ever replaced.
CREATE FUNCTION forget_article_visits(today date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    days bigint;
BEGIN
    IF scope_role() IS DISTINCT FROM 'worker:visits' THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('huntzen:visits', 0));
    DELETE FROM article_visits WHERE day < today OR day > today + 1;
    DELETE FROM article_visit_salts WHERE day < today OR day > today + 1;
    GET DIAGNOSTICS days = ROW_COUNT;
    RETURN days;
END $$;

-- The news that the acting employee is meant to read: of the company, to everybody or to the
-- department of today; none once eligibility has ended.
CREATE FUNCTION own_news_ids() RETURNS TABLE (id uuid, published_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT n.id, n.published_at
        FROM employees e JOIN news n ON n.company_id = e.company_id
        WHERE scope_role() = 'EMPLOYEE' AND e.user_id = scope_user() AND e.status = 'ELIGIBLE'
          AND (cardinality(n.target_departments) = 0 OR e.department = ANY (n.target_departments));
END $$;
CREATE FUNCTION own_news(up_to bigint, skipped bigint) RETURNS SETOF news
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN QUERY
        SELECT n.*
        FROM (SELECT o.id FROM own_news_ids() o ORDER BY o.published_at DESC, o.id DESC LIMIT up_to OFFSET skipped) AS p
        JOIN news n ON n.id = p.id
        ORDER BY n.published_at DESC, n.id DESC;
END $$;

-- Tells everybody whom news are meant for, at once: one statement, however many they are.
CREATE FUNCTION news_tell() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO notifications (id, user_id, type, data, created_at)
    SELECT uuid_v7(NEW.published_at), e.user_id, 'NEWS_PUBLISHED', jsonb_build_object('newsId', NEW.id),
        NEW.published_at
    FROM employees e
    WHERE e.company_id = NEW.company_id AND e.status = 'ELIGIBLE'
      AND (cardinality(NEW.target_departments) = 0 OR e.department = ANY (NEW.target_departments));
    RETURN NULL;
END $$;

ALTER FUNCTION articles_tag() OWNER TO huntzen_internal;
ALTER FUNCTION article_visit_salt(date, bytea) OWNER TO huntzen_internal;
ALTER FUNCTION count_article_visit(uuid, date, bytea) OWNER TO huntzen_internal;
ALTER FUNCTION forget_article_visits(date) OWNER TO huntzen_internal;
ALTER FUNCTION own_news_ids() OWNER TO huntzen_internal;
ALTER FUNCTION own_news(bigint, bigint) OWNER TO huntzen_internal;
ALTER FUNCTION news_tell() OWNER TO huntzen_internal;
REVOKE EXECUTE ON FUNCTION articles_tag(), article_visit_salt(date, bytea), count_article_visit(uuid, date, bytea),
    forget_article_visits(date), own_news_ids(), own_news(bigint, bigint), news_tell() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION article_visit_salt(date, bytea), count_article_visit(uuid, date, bytea),
    forget_article_visits(date), own_news_ids(), own_news(bigint, bigint) TO huntzen_app;
REVOKE CREATE ON SCHEMA public FROM huntzen_internal;

CREATE TRIGGER articles_tagged AFTER INSERT OR UPDATE OF tags, status ON articles FOR EACH ROW
    EXECUTE FUNCTION articles_tag();
CREATE TRIGGER news_told AFTER INSERT ON news FOR EACH ROW EXECUTE FUNCTION news_tell();
