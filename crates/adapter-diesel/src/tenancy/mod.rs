//! The ports of tenancy: accounts and sign-in, companies and people, articles and news, letters, inbox, audit.
mod article_visits;
mod articles;
mod audit;
mod audit_chains;
mod audit_view;
mod companies;
mod company_news;
mod data_keys;
mod employees;
mod invitations;
mod notifications;
mod outbox;
mod preferences;
mod second_factors;
mod sessions;
mod tokens;
mod users;
