-- The thirteen raw tables as the contracts make them, empty: what the SQL models read.
create table raw.dkp3a__penduduk_agregat (
    tahun integer,
    semester smallint,
    kode_kecamatan text,
    jenis_kelamin text,
    kelompok_umur text,
    jumlah integer,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.dinkes__puskesmas (
    kode_puskesmas text,
    nama text,
    kode_kecamatan text,
    jenis text,
    alamat text,
    lintang numeric(10, 7),
    bujur numeric(10, 7),
    tanggal_izin date,
    aktif boolean,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.dinkes__kunjungan (
    id_kunjungan bigint,
    tanggal_kunjungan date,
    kode_puskesmas text,
    nik text,
    jenis_kelamin text,
    umur smallint,
    kode_icd10 text,
    cara_bayar text,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.bapenda__pembayaran_pkb (
    id_pembayaran bigint,
    nomor_polisi text,
    tanggal_bayar date,
    kode_kabupaten_kota text,
    jenis_kendaraan text,
    pkb numeric(18, 2),
    swdkllj numeric(18, 2),
    denda numeric(18, 2),
    updated_at timestamp,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.dpmptsp__izin (
    nomor_izin text,
    nib text,
    kbli text,
    jenis_izin text,
    skala_usaha text,
    kode_kabupaten_kota text,
    investasi numeric(18, 2),
    tanggal_terbit date,
    status text,
    diperbarui_pada timestamptz,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.disperindagkop__harga_pangan (
    tanggal date,
    kode_kabupaten_kota text,
    pasar text,
    komoditas text,
    satuan text,
    harga numeric(12, 2),
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.diskominfo__aduan (
    id_aduan text,
    tanggal date,
    kanal text,
    kategori text,
    kode_opd text,
    status text,
    updated_at timestamptz,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.dlh__ispu (
    stasiun text,
    waktu timestamptz,
    kode_bps text,
    pm25 numeric(8, 2),
    ispu smallint,
    kategori text,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.samarinda__penduduk (
    tahun integer,
    kecamatan text,
    kelurahan text,
    kelamin text,
    umur integer,
    jumlah integer,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.balikpapan__sekolah (
    nama_sekolah text,
    provinsi text,
    kota_kabupaten text,
    kecamatan text,
    npsn text,
    status text,
    bentuk_pendidikan text,
    status_kepemilikan text,
    sk_pendirian_sekolah text,
    tanggal_sk_pendirian date,
    sk_izin_operasional text,
    tanggal_sk_izin_operasional date,
    kebutuhan_khusus_dilayani text,
    status_bos text,
    waktu_penyelenggaraan text,
    sertifikasi_iso text,
    sumber_listrik text,
    daya_listrik text,
    kecepatan_internet text,
    akreditasi text,
    kurikulum text,
    waktu text,
    alamat text,
    rt_rw text,
    dusun text,
    desa_kelurahan text,
    kode_pos text,
    lintang numeric(10, 7),
    bujur numeric(10, 7),
    guru_l integer,
    guru_p integer,
    guru_total integer,
    tendik_l integer,
    tendik_p integer,
    tendik_total integer,
    ptk_l integer,
    ptk_p integer,
    ptk_total integer,
    peserta_didik_l integer,
    peserta_didik_p integer,
    peserta_didik_total integer,
    ruang_kelas integer,
    ruang_perpus integer,
    ruang_lab integer,
    ruang_pratik integer,
    rombel integer,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.dkp__pembenihan_ikan (
    id text,
    tahun integer,
    provinsi text,
    jenis_pembenihan text,
    kab_kota text,
    kelompok_ikan text,
    volume bigint,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.disdikbud__sma (
    npsn text,
    nama text,
    alamat text,
    provinsi text,
    jenjang text,
    lintang numeric(10, 7),
    bujur numeric(10, 7),
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
create table raw.diskominfo__penilaian_spbe (
    tahun integer,
    no_indikator integer,
    indikator text,
    tingkat smallint,
    target smallint,
    bukti text,
    tautan_bukti text,
    _batch_id bigint,
    _loaded_at timestamptz,
    _source_position text
);
