//! Who acts, in which tenant, when: companies, people, sign-in, permissions, audit, outbox.
