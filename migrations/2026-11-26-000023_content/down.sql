DROP FUNCTION own_news(bigint, bigint);
DROP TABLE news, article_visits, article_visit_salts, article_tags, articles;
DROP FUNCTION articles_tag(), article_visit_salt(date, bytea), count_article_visit(uuid, date, bytea),
    forget_article_visits(date), own_news_ids(), news_tell();
