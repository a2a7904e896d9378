with

batubara as (
    select * from {{ ref('stg_esdm__produksi_batubara') }}
),

ukuran as (
    select
        batubara.tahun,
        batubara.bulan,
        batubara.kode_kabupaten_kota,
        {{ kunci_badan_usaha('batubara.perusahaan') | indent(4) }} as kunci_badan_usaha,
        ukuran.uraian,
        ukuran.nilai
    from batubara
    cross join lateral (
        values
            ('produksi', batubara.produksi),
            ('penjualan domestik', batubara.penjualan_domestik),
            ('penjualan ekspor', batubara.penjualan_ekspor)
    ) as ukuran (uraian, nilai)
    where ukuran.nilai is not null
),

berjalan as (
    {{ periode_berjalan('ukuran', 'make_date(ukuran.tahun, ukuran.bulan, 1)', cakupan='1 month') }}
),

per_bulan as (
    -- Satu badan usaha dengan beberapa izin, atau dengan beberapa ejaan namanya, tetap satu. Yang bernilai nol tidak
    -- dihitung, sehingga nilai positif tepat bila jumlah positif.
    select
        ukuran.tahun,
        ukuran.bulan,
        ukuran.kode_kabupaten_kota,
        ukuran.uraian,
        count(distinct ukuran.kunci_badan_usaha) filter (where ukuran.nilai > 0) as badan_usaha,
        sum(ukuran.nilai) as nilai
    from ukuran
    inner join berjalan on make_date(ukuran.tahun, ukuran.bulan, 1) < berjalan.awal
    group by
        ukuran.tahun,
        ukuran.bulan,
        ukuran.kode_kabupaten_kota,
        ukuran.uraian
),

final as (
    {{ sel_tersamar(
        'per_bulan',
        tabel=['tahun', 'uraian'],
        baris='kode_kabupaten_kota',
        kolom='bulan',
        jumlah='badan_usaha',
        nilai=['nilai'],
        ambang=var('ambang_badan_usaha')
    ) | indent(4) }}
)

select
    tahun,
    bulan,
    kode_kabupaten_kota,
    uraian,
    nilai::numeric(16, 2) as nilai,
    disamarkan
from final
where not baris_total and not kolom_total
