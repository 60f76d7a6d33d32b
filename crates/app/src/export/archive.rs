//! A zip archive that is written forwards alone (APPNOTE 6.3.10), with the checksums of its files at
//! its end.
use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use data_encoding::HEXLOWER;
use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::http::Problem;

/// The file that holds the checksums, as `sha256sum --check` reads them.
const SUMS: &str = "SHA256SUMS";

/// Where the archive's bytes wait until they leave.
#[derive(Clone, Default)]
struct Outlet(Arc<Mutex<Vec<u8>>>);

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An archive on its way.
pub(super) struct Archive {
    outlet: Outlet,
    writer: Option<ZipWriter<StreamWriter<Outlet>>>,
    options: SimpleFileOptions,
    digest: Sha256,
    /// The file that is written now.
    name: Option<&'static str>,
    sums: String,
}

impl Archive {
    /// An archive whose files are dated `at`, in UTC.
    pub(super) fn new(at: Timestamp) -> Self {
        let outlet = Outlet::default();
        let at = at.to_zoned(TimeZone::UTC).datetime();
        let small = |value: i8| u8::try_from(value).unwrap_or_default();
        let dated = DateTime::from_date_and_time(
            u16::try_from(at.year()).unwrap_or_default(),
            small(at.month()),
            small(at.day()),
            small(at.hour()),
            small(at.minute()),
            small(at.second()),
        );
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(dated.unwrap_or_default());
        Self {
            writer: Some(ZipWriter::new_stream(outlet.clone())),
            outlet,
            options,
            digest: Sha256::new(),
            name: None,
            sums: String::new(),
        }
    }

    /// Begins a file.
    pub(super) fn begin(&mut self, name: &'static str) -> Result<(), Problem> {
        self.sum_up();
        let options = self.options;
        self.writer()?.start_file(name, options).map_err(Problem::internal)?;
        self.name = Some(name);
        Ok(())
    }

    /// Writes on in the file.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.digest.update(bytes);
        self.writer()?.write_all(bytes).map_err(Problem::internal)
    }

    /// Adds the checksums and ends the archive.
    pub(super) fn finish(&mut self) -> Result<(), Problem> {
        self.sum_up();
        let (options, sums) = (self.options, std::mem::take(&mut self.sums));
        let writer = self.writer()?;
        writer.start_file(SUMS, options).map_err(Problem::internal)?;
        writer.write_all(sums.as_bytes()).map_err(Problem::internal)?;
        if let Some(writer) = self.writer.take() {
            writer.finish().map_err(Problem::internal)?;
        }
        Ok(())
    }

    /// What has come of it since the last time.
    pub(super) fn drain(&mut self) -> Vec<u8> {
        std::mem::take(&mut *self.outlet.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn writer(&mut self) -> Result<&mut ZipWriter<StreamWriter<Outlet>>, Problem> {
        self.writer.as_mut().ok_or_else(|| Problem::internal("the archive was finished before"))
    }

    /// Notes the checksum of the file that was written.
    fn sum_up(&mut self) {
        if let Some(name) = self.name.take() {
            let digest = std::mem::take(&mut self.digest).finalize();
            self.sums.extend([&HEXLOWER.encode(&digest), "  ", name, "\n"]);
        }
    }
}
