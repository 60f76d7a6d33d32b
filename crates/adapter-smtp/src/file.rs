//! A mailer that writes each mail into a folder, for a machine without a mail server.
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use huntzen_tenancy::{
    clock::Clock,
    mail::{Mail, MailError, Mailer},
};

use crate::{
    message::{compose, local_id},
    sender::Sender,
};

/// Writes mails as `<Message-ID>.eml`, which every mail program opens. A mail sent again takes the
/// place of the earlier one.
pub struct FileMailer {
    folder: PathBuf,
    sender: Sender,
    clock: Arc<dyn Clock>,
}

impl FileMailer {
    /// Writes into `folder`, which is made when the first mail leaves.
    pub fn new(folder: impl Into<PathBuf>, sender: Sender, clock: Arc<dyn Clock>) -> Self {
        Self { folder: folder.into(), sender, clock }
    }
}

impl Mailer for FileMailer {
    fn send(&self, mail: &Mail) -> Result<(), MailError> {
        local_id(&mail.message_id)?;
        let message = compose(mail, &self.sender, self.clock.now())?;
        write(&self.folder, &format!("{}.eml", mail.message_id), &message.formatted())
            .map_err(|error| MailError::Later(error.into()))
    }
}

/// Writes a file that is either whole or absent: under another name first, then renamed.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!(".{name}.tmp"));
    let mut file = private(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(name))
}

/// A new file that its owner alone reads: letters carry tokens.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::message::fixture::{ID, StoppedClock, mail, sender};

    /// A folder of this test alone, gone at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("huntzen-mail-{test}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }

        fn mailer(&self) -> FileMailer {
            FileMailer::new(self.0.join("mail"), sender(), Arc::new(StoppedClock))
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.0.join("mail")).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_mail_sent_twice_is_one_file() {
        let folder = Folder::new("twice");
        folder.mailer().send(&mail()).unwrap();
        folder.mailer().send(&Mail { subject: "Again".to_owned(), ..mail() }).unwrap();
        assert_eq!(folder.names(), [format!("{ID}.eml")]);
        let written = fs::read_to_string(folder.0.join("mail").join(format!("{ID}.eml"))).unwrap();
        assert!(written.contains("Subject: Again\r\n"), "{written}");
        assert!(written.contains("To: lea.morel@lumiere.example\r\n"), "{written}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new("private");
        folder.mailer().send(&mail()).unwrap();
        let metadata = fs::metadata(folder.0.join("mail").join(format!("{ID}.eml"))).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_message_id_never_leads_out_of_the_folder() {
        let folder = Folder::new("outside");
        let message_id = "../../escaped@huntzen.care".to_owned();
        let refused = folder.mailer().send(&Mail { message_id, ..mail() }).unwrap_err();
        assert!(matches!(refused, MailError::Never(_)), "{refused:?}");
        assert!(!folder.0.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_tried_again_later() {
        let folder = Folder::new("blocked");
        fs::create_dir_all(&folder.0).unwrap();
        fs::write(folder.0.join("mail"), "a file stands where the folder should").unwrap();
        let failed = folder.mailer().send(&mail()).unwrap_err();
        assert!(matches!(failed, MailError::Later(_)), "{failed:?}");
    }
}
