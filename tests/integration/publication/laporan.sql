-- What the report reads; everybody and everything in it is made up.
create table ops.check_in_force (asset text, check_name text, severity text, passed bool, unexpected bigint,
    total bigint, message text, at timestamptz);
create table quarantine.row (dataset text, reasons jsonb, state text, row jsonb);
create table mart_satu_data.daftar_data (dataset text, judul text, produsen_data text, jenis_sumber text,
    jadwal text, dijanjikan_tiap_hari numeric, terakhir_datang timestamptz, jumlah_baris bigint, baris_karantina bigint,
    status text, kode_daftar text, ada_kontrak boolean, prioritas boolean, data_contoh boolean);
create table ops.contract (dataset text);
insert into ops.contract values ('samarinda/penduduk'), ('dinkes/kunjungan'), ('dinkes/puskesmas'), ('dpmptsp/izin'),
    ('dkp/pembenihan_ikan');
create table mart_satu_data.penduduk_jumlah (kode_kabupaten_kota text, nama_kabupaten_kota text,
    kode_kecamatan text, nama_kecamatan text, kode_desa_kelurahan text, nama_desa_kelurahan text, jenis_kelamin text,
    jumlah bigint, satuan text, tahun int);
create table mart_satu_data.layanan_kesehatan_bulanan (kode_kabupaten_kota text, nama_kabupaten_kota text,
    kode_kecamatan text, nama_kecamatan text, tahun int, bulan int, cara_bayar text, jumlah_kunjungan bigint,
    keterangan text);
create table mart_spbe.indeks_instrumen (instrumen text, versi text, instrumen_berlaku bool, tahun int, lingkup text,
    jenis text, kode text, nama text, bobot numeric, jenis_penilaian text, asal text, indeks numeric(4, 2),
    target_indeks numeric(4, 2), selisih numeric(4, 2), predikat text, jumlah_indikator bigint, terisi bigint,
    keterangan text);

insert into mart_satu_data.daftar_data values
    ('samarinda/penduduk', 'Penduduk Kota Samarinda', 'Diskominfo Kota Samarinda', 'upload', null,
        365, '2026-11-20 08:00+08', 31860, 0, 'mutakhir', null, true, null, false),
    ('dinkes/kunjungan', 'Kunjungan puskesmas', 'Dinas Kesehatan', 'database', 'harian', 1, '2026-11-23 02:10+08',
        41200, 37, 'mutakhir', 'DDK-2026-002', true, true, false),
    ('dinkes/puskesmas', 'Puskesmas', 'Dinas Kesehatan', 'database', 'bulanan', 1, '2026-09-01 02:10+08', 188, 2, 'terlambat',
        'DDK-2026-001', true, false, false),
    ('dpmptsp/izin', 'Izin usaha', 'Dinas Penanaman Modal dan Pelayanan Terpadu Satu Pintu', 'api', 'harian', 1,
        null, null, null, 'gagal', 'DDK-2026-003', true, false, null),
    ('dkp/pembenihan_ikan', 'Pembenihan ikan', 'Dinas Kelautan dan Perikanan', 'upload', 'insidental', 365, null,
        null, null, 'belum_ada', 'DDK-2026-004', true, false, null),
    (null, 'Populasi ternak', 'Dinas Peternakan dan Kesehatan Hewan', null, 'tahunan', null, null, null,
        null, 'belum_ada', 'DDK-2026-005', false, true, null);
insert into ops.check_in_force (asset, check_name, severity, passed, unexpected, total, message, at) values
    ('raw/dinkes/kunjungan', 'wajib_nik', 'error', true, 0, 41200, 'rahasia 1', '2026-11-23'),
    ('raw/dinkes/kunjungan', 'umur_wajar', 'warn', false, 12, 41200, 'rahasia 2', '2026-11-23'),
    ('raw/dinkes/puskesmas', 'unik_kode', 'error', true, 0, 188, null, '2026-11-23'),
    ('raw/dpmptsp/izin', 'nib_13_angka', 'error', false, 4, 900, 'rahasia 3', '2026-11-23'),
    ('raw/dpmptsp/izin', 'unik_nomor', 'error', true, 0, 900, null, '2026-11-23'),
    ('raw/samarinda/penduduk', 'jumlah_positif', 'error', true, 0, 31860, null, '2026-11-23'),
    ('mart_spbe/indeks_spbe', 'not_null_indeks', 'error', true, 0, 13, null, '2026-11-23');
insert into quarantine.row
    select 'dinkes/kunjungan', '[{"kolom": "tanggal_kunjungan", "aturan": "tipe", "nilai": "rahasia 4"},
        {"kolom": "cara_bayar", "aturan": "klasifikasi", "nilai": "rahasia 5"}]', 'open', '{"nik": "rahasia 6"}'
    from generate_series(1, 37);
insert into quarantine.row values ('dinkes/puskesmas', '[{"kolom": "lintang", "aturan": "tipe"}]', 'resolved', '{}');
insert into mart_satu_data.penduduk_jumlah
    with sel as (
        select format('64.72.%s', lpad(k.n::text, 2, '0')) as kecamatan, k.name, d, s, y,
            (4200 + k.n * 830 + d * 310 + (y - 2022) * (90 + 25 * k.n))::bigint as jumlah
        from unnest(array['Palaran', 'Samarinda Seberang', 'Samarinda Ulu', 'Samarinda Ilir', 'Samarinda Utara',
                'Sungai Kunjang', 'Sambutan', 'Sungai Pinang', 'Samarinda Kota', 'Loa Janan Ilir'])
                with ordinality as k (name, n),
            generate_series(1, 6) as d, unnest(array['L', 'P']) as s, generate_series(2022, 2024) as y
    )
    select '64.72', 'Kota Samarinda', kecamatan, name, kecamatan || '.100' || d, name || ' ' || d,
        coalesce(s, 'SEMUA'), case when kecamatan <> '64.72.03' or d is null or d > 2 then sum(jumlah) end, 'jiwa', y
    from sel
    group by kecamatan, name, y, grouping sets ((d), (s), ());
insert into mart_satu_data.layanan_kesehatan_bulanan
    select '64.72', 'Kota Samarinda', format('64.72.0%s', k), 'Kecamatan ' || k, 2026, b, c,
        case when k = 9 and c = 'ASURANSI' then null
            else k * 37 + b * 21 + case c when 'BPJS' then 900 when 'UMUM' then 260 else 31 end end,
        case when k = 9 and c = 'ASURANSI' then 'disamarkan' end
    from generate_series(1, 9) as k, generate_series(9, 11) as b, unnest(array['BPJS', 'UMUM', 'ASURANSI']) as c;
insert into mart_satu_data.layanan_kesehatan_bulanan
    values ('64.72', 'Kota Samarinda', '64.72.01', 'Kecamatan 1', 2026, 11, 'LAINNYA', null, 'disamarkan');
insert into mart_spbe.indeks_instrumen values
    ('spbe', '59/2020', false, 2024, 'provinsi', 'indeks', 'SPBE', 'Indeks SPBE', 100, 'resmi', 'diumumkan', 3.79, null,
        null, 'Sangat Baik', 47, null, 'Laporan Hasil Evaluasi SPBE 2024'),
    ('pemdi', '8/2026', true, 2026, 'provinsi', 'indeks', 'PEMDI', 'Indeks Pemdi', 100, 'mandiri', 'formulir', 2.61,
        3.00, -0.39, 'Baik', 20, 17, null),
    ('epss', '3/2022', true, 2026, 'dinkes', 'indeks', 'EPSS', 'Indeks satu OPD', 100, 'resmi', 'formulir', 2.22, null,
        null, 'Cukup', 38, 38, null);
insert into mart_spbe.indeks_instrumen
    select 'spbe', '59/2020', false, y, 'provinsi', v.jenis, v.kode, v.nama, v.bobot, 'mandiri', 'formulir',
        v.indeks - (2026 - y) * 0.3, 3.60, v.indeks - (2026 - y) * 0.3 - 3.60,
        case when v.indeks - (2026 - y) * 0.3 >= 3.5 then 'Sangat Baik' else 'Baik' end, v.n, v.n - 1, null
    from generate_series(2025, 2026) as y, (values
        ('indeks', 'SPBE', 'Indeks SPBE', 100, 3.42, 47),
        ('domain', '1', 'Kebijakan Internal SPBE', 13, 3.10, 10),
        ('domain', '2', 'Tata Kelola SPBE', 25, 3.62, 10),
        ('domain', '3', 'Manajemen SPBE', 16.5, 2.45, 11),
        ('domain', '4', 'Layanan SPBE', 45.5, 4.05, 16),
        ('aspek', '1', 'Kebijakan Internal Tata Kelola SPBE', 13, 3.10, 10),
        ('aspek', '2', 'Perencanaan Strategis SPBE', 10, 3.75, 4),
        ('aspek', '3', 'Teknologi Informasi dan Komunikasi', 10, 3.30, 4),
        ('aspek', '4', 'Penyelenggara SPBE', 5, 4.00, 2),
        ('aspek', '5', 'Penerapan Manajemen SPBE', 12, 2.60, 8),
        ('aspek', '6', 'Audit TIK', 4.5, 1.90, 3),
        ('aspek', '7', 'Layanan Administrasi Pemerintahan Berbasis Elektronik', 27.5, 3.98, 10),
        ('aspek', '8', 'Layanan Publik Berbasis Elektronik', 18, 4.15, 6)) as v (jenis, kode, nama, bobot, indeks, n);

create table mart_satu_data.kualitas_data (dataset text, judul text, opd text, produsen_data text, dimensi text,
    bobot numeric, skor numeric, perubahan numeric, temuan_terbuka bigint, hari_perbaikan numeric, sel_diperbaiki bigint,
    hari_terlambat numeric, tahun int, bulan int, data_contoh bool);
insert into mart_satu_data.kualitas_data values
    ('dinkes/kunjungan', 'Kunjungan', 'dinkes', 'Dinas Kesehatan', 'gabungan', 100, 60.5, -9.5, 80, 3.5, 12, 2, 2026, 10, false),
    ('dinkes/kunjungan', 'Kunjungan', 'dinkes', 'Dinas Kesehatan', 'gabungan', 100, 70, null, 0, null, 0, 0, 2026, 9, false),
    ('dinkes/kunjungan', 'Kunjungan', 'dinkes', 'Dinas Kesehatan', 'validitas', 10, 50, null, 80, 3.5, 0, null, 2026, 10, false),
    ('dlh/ispu', 'ISPU', 'dlh', 'Dinas Lingkungan Hidup', 'gabungan', 80, 90, null, 1, null, 0, null, 2026, 10, false),
    ('dlh/ispu', 'ISPU', 'dlh', 'Dinas Lingkungan Hidup', 'aktualitas', 20, null, null, 0, null, 0, null, 2026, 10, false);
