with

hari as (
    select generate_series('2015-01-01'::timestamp, '2035-12-31'::timestamp, '1 day'::interval)::date as tanggal
),

bagian as (
    select
        hari.tanggal,
        extract(year from hari.tanggal)::integer as tahun,
        extract(month from hari.tanggal)::integer as bulan,
        extract(quarter from hari.tanggal)::integer as triwulan,
        case when extract(month from hari.tanggal) <= 6 then 1 else 2 end as semester,
        extract(day from hari.tanggal)::integer as hari_ke,
        (array[
            'Januari', 'Februari', 'Maret', 'April', 'Mei', 'Juni',
            'Juli', 'Agustus', 'September', 'Oktober', 'November', 'Desember'
        ])[extract(month from hari.tanggal)::integer] as nama_bulan,
        (array['Senin', 'Selasa', 'Rabu', 'Kamis', 'Jumat', 'Sabtu', 'Minggu'])[
            extract(isodow from hari.tanggal)::integer
        ] as hari,
        extract(isodow from hari.tanggal) >= 6 as akhir_pekan
    from hari
),

final as (
    select
        bagian.tanggal,
        bagian.tahun,
        bagian.bulan,
        bagian.triwulan,
        bagian.semester,
        bagian.nama_bulan,
        (array['Triwulan I', 'Triwulan II', 'Triwulan III', 'Triwulan IV'])[bagian.triwulan] as nama_triwulan,
        (array['Semester I', 'Semester II'])[bagian.semester] as nama_semester,
        bagian.hari,
        bagian.hari_ke || ' ' || bagian.nama_bulan || ' ' || bagian.tahun as tanggal_panjang,
        date_trunc('month', bagian.tanggal)::date as awal_bulan,
        bagian.akhir_pekan,
        -- Tahun anggaran APBD adalah tahun kalender (UU 17/2003, Pasal 4).
        bagian.tahun as tahun_anggaran
    from bagian
)

select * from final
