//! Every policy matters: the suite notices when one is missing, and when one is too wide.
use diesel::{PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};

use super::{
    expectations::{expectations, failing},
    matrix::{expected, matrix},
    scene::Scene,
};

#[derive(QueryableByName)]
struct Policy {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    command: String,
}

fn policies(owner: &mut PgConnection) -> Vec<Policy> {
    let query = "SELECT policyname::text AS name, format('%I.%I', schemaname, tablename)::regclass::text AS table, array_to_string(roles, ',') AS role,
                     cmd AS command
                 FROM pg_policies WHERE schemaname IN ('public', 'keys') ORDER BY tablename, policyname";
    sql_query(query).load(owner).unwrap()
}

/// Whether the suite sees a difference once `change` is made to the policies; the change is undone.
fn is_noticed(owner: &mut PgConnection, scene: &Scene, policy: &Policy, change: &str) -> bool {
    owner.batch_execute("BEGIN").unwrap();
    owner.batch_execute(change).unwrap();
    let found = matrix(owner, scene, Some(&policy.table));
    let mut meant = expected(scene);
    let names: Vec<_> =
        scene.subjects().into_iter().filter(|subject| subject.table == policy.table).map(|one| one.name).collect();
    meant.retain(|(_, subject), _| names.contains(subject));
    let noticed = found != meant || !failing(owner, &expectations(scene)).is_empty();
    owner.batch_execute("ROLLBACK").unwrap();
    noticed
}

#[test]
fn each_policy_is_missed_when_it_is_dropped() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    let policies = policies(&mut owner);
    assert!(policies.len() > 50, "only {} policies were found", policies.len());
    let mut untested = Vec::new();
    for policy in policies {
        if !is_noticed(&mut owner, &scene, &policy, &format!("DROP POLICY {} ON {}", policy.name, policy.table)) {
            untested.push(policy.name);
        }
    }
    assert_eq!(untested, Vec::<String>::new());
}

#[test]
fn each_policy_is_noticed_when_it_is_too_wide() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    let mut untested = Vec::new();
    // Those of the internal role are wide on purpose: what its functions show is tried elsewhere.
    for policy in policies(&mut owner).into_iter().filter(|policy| policy.role == "huntzen_app") {
        let wide = match policy.command.as_str() {
            "SELECT" | "DELETE" => "USING (true)",
            "INSERT" => "WITH CHECK (true)",
            _ => "USING (true) WITH CHECK (true)",
        };
        let change = format!("ALTER POLICY {} ON {} {wide}", policy.name, policy.table);
        if !is_noticed(&mut owner, &scene, &policy, &change) {
            untested.push(policy.name);
        }
    }
    assert_eq!(untested, Vec::<String>::new());
}

#[test]
fn no_policy_is_missed_while_all_are_there() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    for policy in policies(&mut owner).iter().take(3) {
        assert!(!is_noticed(&mut owner, &scene, policy, "SELECT 1"), "{} is noticed for nothing", policy.name);
    }
}
