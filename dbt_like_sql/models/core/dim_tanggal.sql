with

hari as (
    select generate_series('2015-01-01'::timestamp, '2027-12-31'::timestamp, '1 day'::interval)::date as tanggal
),

final as (
    select
        hari.tanggal,
        extract(year from hari.tanggal)::integer as tahun,
        extract(month from hari.tanggal)::integer as bulan,
        extract(quarter from hari.tanggal)::integer as triwulan,
        case when extract(month from hari.tanggal) <= 6 then 1 else 2 end as semester,
        (array[
            'Januari', 'Februari', 'Maret', 'April', 'Mei', 'Juni',
            'Juli', 'Agustus', 'September', 'Oktober', 'November', 'Desember'
        ])[extract(month from hari.tanggal)::integer] as nama_bulan,
        (array['Senin', 'Selasa', 'Rabu', 'Kamis', 'Jumat', 'Sabtu', 'Minggu'])[
            extract(isodow from hari.tanggal)::integer
        ] as hari,
        extract(isodow from hari.tanggal) >= 6 as akhir_pekan,
        extract(year from hari.tanggal)::integer as tahun_anggaran
    from hari
)

select * from final
