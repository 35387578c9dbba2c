//! Reads a Parquet file with parquet-rs and writes it to standard output as an Arrow IPC stream. With a column's name
//! and integers behind the path: how many of them the bloom filters of the column in row group 0 let through.
use arrow_ipc::writer::StreamWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use std::error::Error;
use std::fs::File;

fn ask(path: &str, column: &str, values: &[String]) -> Result<(), Box<dyn Error>> {
    let properties = ReaderProperties::builder().set_read_bloom_filter(true).build();
    let options = ReadOptionsBuilder::new().with_reader_properties(properties).build();
    let reader = SerializedFileReader::new_with_options(File::open(path)?, options)?;
    let group = reader.get_row_group(0)?;
    let schema = group.metadata().schema_descr();
    let at = (0..schema.num_columns()).find(|i| schema.column(*i).name() == column).ok_or("no such column")?;
    let filter = group.get_column_bloom_filter(at).ok_or("no bloom filter")?;
    let mut kept = 0;
    for value in values {
        kept += filter.check(&value.parse::<i64>()?) as usize;
    }
    println!("{kept}");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.len() > 2 {
        return ask(&arguments[0], &arguments[1], &arguments[2..]);
    }
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&arguments[0])?)?;
    let mut out = StreamWriter::try_new(std::io::stdout(), builder.schema())?;
    for batch in builder.build()? {
        out.write(&batch?)?;
    }
    out.finish()?;
    Ok(())
}
