with

fakta as (
    select * from {{ ref('fct_mutu_bulanan') }}
),

dimensi as (
    select * from {{ ref('ref_dimensi_mutu') }}
),

kontrak as (
    select * from {{ source('ops', 'contract') }}
),

keadaan as (
    select * from {{ source('ops', 'dataset_state') }}
),

bagian as (
    -- Baris yang ditahan hilang dari data yang dipakai, apa pun alasannya: kelengkapan menghitung semuanya. Dimensi
    -- lain dinilai atas baris yang berlaku dan yang melanggar aturannya; tanpa satu pun, tidak ada yang dapat dinilai.
    select
        fakta.*,
        dimensi.bobot,
        fakta.baris_berlaku::numeric / nullif(
            fakta.baris_berlaku + case
                when fakta.dimensi = 'kelengkapan' then fakta.baris_karantina else fakta.baris_melanggar
            end, 0
        ) as bagian_diterima,
        1 - {{ var('bobot_perbaikan') }} * least(
            1, coalesce(fakta.sel_diperbaiki::numeric / fakta.sel_dibaca, 0)
        ) as bagian_asli
    from fakta
    inner join dimensi on fakta.dimensi = dimensi.dimensi
),

per_dimensi as (
    -- Dibulatkan ke bawah: hanya yang tanpa cela bernilai 100.
    select
        bagian.dataset,
        bagian.bulan,
        bagian.dimensi,
        bagian.bobot,
        trunc(100 * case
            when bagian.dimensi = 'aktualitas' then bagian.detik_tepat / nullif(bagian.detik_diukur, 0)
            when bagian.dimensi = 'kelengkapan'
                then coalesce(bagian.bagian_diterima, 0) * bagian.bagian_asli * coalesce(bagian.bagian_uji, 1)
            else bagian.bagian_diterima * bagian.bagian_asli * coalesce(bagian.bagian_uji, 1)
        end, 1) as skor,
        bagian.baris_melanggar + bagian.uji_gagal + bagian.pemuatan_gagal as temuan_terbuka,
        bagian.hari_perbaikan,
        case when bagian.dimuat then bagian.sel_diperbaiki else 0 end as sel_diperbaiki,
        bagian.baris_berlaku,
        bagian.baris_karantina,
        (bagian.detik_diukur - bagian.detik_tepat) / 86400 as hari_terlambat,
        bagian.uji_gagal + bagian.pemuatan_gagal as temuan_lain,
        bagian.hari_perbaikan_semua
    from bagian
),

gabungan as (
    -- Sebuah baris dapat melanggar beberapa dimensi; di sini ia satu temuan.
    select
        per_dimensi.dataset,
        per_dimensi.bulan,
        'gabungan' as dimensi,
        sum(per_dimensi.bobot) filter (where per_dimensi.skor is not null) as bobot,
        trunc(
            sum(per_dimensi.bobot * per_dimensi.skor)
            / sum(per_dimensi.bobot) filter (where per_dimensi.skor is not null), 1
        ) as skor,
        max(per_dimensi.baris_karantina) + sum(per_dimensi.temuan_lain)::bigint as temuan_terbuka,
        max(per_dimensi.hari_perbaikan_semua) as hari_perbaikan,
        sum(per_dimensi.sel_diperbaiki)::bigint as sel_diperbaiki,
        max(per_dimensi.baris_berlaku) as baris_berlaku,
        max(per_dimensi.baris_karantina) as baris_karantina,
        max(per_dimensi.hari_terlambat) as hari_terlambat
    from per_dimensi
    group by per_dimensi.dataset, per_dimensi.bulan
),

skor as (
    select
        per_dimensi.dataset,
        per_dimensi.bulan,
        per_dimensi.dimensi,
        per_dimensi.bobot,
        per_dimensi.skor,
        per_dimensi.temuan_terbuka,
        per_dimensi.hari_perbaikan,
        per_dimensi.sel_diperbaiki,
        per_dimensi.baris_berlaku,
        per_dimensi.baris_karantina,
        per_dimensi.hari_terlambat
    from per_dimensi
    union all
    select * from gabungan
),

final as (
    select
        skor.dataset,
        kontrak.title as judul,
        split_part(skor.dataset, '/', 1) as opd,
        kontrak.producer as produsen_data,
        skor.dimensi,
        skor.bobot,
        skor.skor,
        skor.skor - lag(skor.skor) over (partition by skor.dataset, skor.dimensi order by skor.bulan) as perubahan,
        skor.temuan_terbuka,
        round(skor.hari_perbaikan, 1) as hari_perbaikan,
        skor.sel_diperbaiki,
        skor.baris_berlaku,
        skor.baris_karantina,
        round(skor.hari_terlambat, 1) as hari_terlambat,
        extract(year from skor.bulan)::integer as tahun,
        extract(month from skor.bulan)::integer as bulan,
        coalesce(keadaan.has_sample, false) as data_contoh
    from skor
    inner join kontrak on skor.dataset = kontrak.dataset
    left join keadaan on skor.dataset = keadaan.dataset
)

select * from final
