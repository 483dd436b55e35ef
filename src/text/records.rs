//! Records as the text of a CSV.

/// The CSV of some records, the header first. A record may be of any length.
pub fn csv_of<R, C>(records: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = C>,
    C: AsRef<str>,
{
    const WRITTEN: &str = "memory takes every text";
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for record in records {
        for cell in record {
            writer.write_field(cell.as_ref()).expect(WRITTEN);
        }
        writer.write_record(None::<&str>).expect(WRITTEN);
    }
    String::from_utf8(writer.into_inner().expect(WRITTEN)).expect("texts make a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_records_have_any_length() {
        let text = csv_of([vec!["a,b", "\"c\""], vec!["d\ne"], vec![""]]);
        assert_eq!(text, "\"a,b\",\"\"\"c\"\"\"\n\"d\ne\"\n\"\"\n");
    }
}
