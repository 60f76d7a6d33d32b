//! What there is to read in the demonstration: articles for everybody, and news of one company.
use huntzen_tenancy::{
    PageRequest, Scope,
    content::{ArticleFilter, ArticleName, ArticleStatus, NewArticle, NewNews},
};
use jiff::{ToSpan, civil::Date};

use super::{Made, cast::Cast, morning, stage::Stage};
use crate::cli::Failure;

/// An article; those with a month are published in it, counted from the first of the demonstration.
struct DemoArticle {
    title: &'static str,
    excerpt: &'static str,
    category: &'static str,
    tags: &'static [&'static str],
    content: &'static str,
    month: Option<i32>,
}

/// News of the first company, with the day of the last month on which they are published.
struct DemoNews {
    title: &'static str,
    content: &'static str,
    departments: &'static [&'static str],
    day: i32,
}

const ARTICLES: [DemoArticle; 8] = [
    DemoArticle {
        title: "Retrouver un sommeil réparateur",
        excerpt: "Des horaires réguliers, une soirée calme, et que faire quand on ne dort pas.",
        category: "Sommeil",
        tags: &["sommeil", "fatigue", "habitudes"],
        content: include_str!("articles/dormir.md"),
        month: Some(0),
    },
    DemoArticle {
        title: "Comprendre le stress pour mieux le traverser",
        excerpt: "D'où vient le stress, comment alléger ce qui est demandé et renforcer ce qui soutient.",
        category: "Stress",
        tags: &["stress", "travail", "organisation"],
        content: include_str!("articles/stress.md"),
        month: Some(1),
    },
    DemoArticle {
        title: "Travailler à distance sans s'isoler",
        excerpt: "Un début, une fin, des gens : trois repères pour les jours de télétravail.",
        category: "Vie au travail",
        tags: &["télétravail", "solitude", "travail"],
        content: include_str!("articles/distance.md"),
        month: Some(2),
    },
    DemoArticle {
        title: "Épuisement professionnel : reconnaître les premiers signes",
        excerpt: "Trois signes qui vont ensemble, ce qui y conduit, et par où commencer.",
        category: "Épuisement",
        tags: &["épuisement", "fatigue", "travail"],
        content: include_str!("articles/epuisement.md"),
        month: Some(3),
    },
    DemoArticle {
        title: "Trois minutes pour souffler",
        excerpt: "Un exercice de respiration lente, à faire partout.",
        category: "Stress",
        tags: &["stress", "respiration", "exercice"],
        content: include_str!("articles/respiration.md"),
        month: Some(4),
    },
    DemoArticle {
        title: "Premier rendez-vous : à quoi s'attendre",
        excerpt: "Comment se passe une première séance, avant, pendant et après.",
        category: "Consulter",
        tags: &["rendez-vous", "secret"],
        content: include_str!("articles/premier-rendez-vous.md"),
        month: Some(5),
    },
    DemoArticle {
        title: "Demander de l'aide : quand, à qui, comment",
        excerpt: "Le 3114, le 15 et le 112 tout de suite ; le médecin, le psychologue, les proches ensuite.",
        category: "Consulter",
        tags: &["aide", "3114", "proches"],
        content: include_str!("articles/aide.md"),
        month: Some(5),
    },
    DemoArticle {
        title: "Préparer la rentrée en douceur",
        excerpt: "Reprendre le travail après une longue coupure.",
        category: "Vie au travail",
        tags: &["travail", "repos"],
        content: include_str!("articles/rentree.md"),
        month: None,
    },
];

const NEWS: [DemoNews; 2] = [
    DemoNews {
        title: "Un soutien confidentiel pour chacune et chacun",
        content: include_str!("news/bienvenue.md"),
        departments: &[],
        day: 6,
    },
    DemoNews {
        title: "Astreintes : une semaine sur six",
        content: include_str!("news/astreintes.md"),
        departments: &["Développement"],
        day: 20,
    },
];

/// More than there are of either.
const ALL: PageRequest = PageRequest { page: 1, per_page: 100 };

/// Writes and publishes what is not there yet.
pub(super) fn publish(stage: &Stage, cast: &Cast, first_month: Date, made: &mut Made) -> Result<(), Failure> {
    write_articles(stage, cast, first_month, made)?;
    tell_news(stage, cast, first_month, made)
}

fn write_articles(stage: &Stage, cast: &Cast, first_month: Date, made: &mut Made) -> Result<(), Failure> {
    let (editing, editor) = (&stage.services.article_editing, &cast.administrator);
    let reader: Scope = editor.scope();
    let known = stage.services.articles.list(&reader, &ArticleFilter::default(), ALL)?.items;
    for (day, demo) in (3..).zip(&ARTICLES) {
        let month = first_month.saturating_add(demo.month.unwrap_or_default().months());
        stage.set(morning(month.saturating_add(day.days())));
        let article = if let Some(article) = known.iter().find(|article| article.title == demo.title) {
            article.clone()
        } else {
            made.articles += 1;
            editing.create(editor, &new_article(demo))?
        };
        if demo.month.is_some() && article.status == ArticleStatus::Draft {
            editing.publish(editor, &ArticleName::Id(article.id))?;
        }
    }
    Ok(())
}

fn tell_news(stage: &Stage, cast: &Cast, first_month: Date, made: &mut Made) -> Result<(), Failure> {
    let Some(hr) = cast.hr.first() else { return Ok(()) };
    let newsroom = &stage.services.newsroom;
    let known = newsroom.list(hr, ALL)?.items;
    let last_month = first_month.saturating_add((super::MONTHS - 1).months());
    for demo in NEWS.iter().filter(|demo| known.iter().all(|news| news.title != demo.title)) {
        stage.set(morning(last_month.saturating_add(demo.day.days())));
        let departments = demo.departments.iter().map(|&name| name.to_owned()).collect();
        let news =
            NewNews { title: demo.title.to_owned(), content: demo.content.to_owned(), target_departments: departments };
        newsroom.publish(hr, &news)?;
        made.news += 1;
    }
    Ok(())
}

fn new_article(demo: &DemoArticle) -> NewArticle {
    NewArticle {
        title: demo.title.to_owned(),
        excerpt: Some(demo.excerpt.to_owned()),
        content: demo.content.to_owned(),
        category: Some(demo.category.to_owned()),
        tags: demo.tags.iter().map(|&tag| tag.to_owned()).collect(),
    }
}
