with

instrumen as (
    select * from {{ ref('ref_instrumen') }}
),

final as (
    select
        instrumen.instrumen || ':' || instrumen.versi as kunci_instrumen,
        instrumen.instrumen,
        instrumen.versi,
        instrumen.nama,
        instrumen.nama_indeks,
        instrumen.singkatan_indeks,
        instrumen.dasar_hukum,
        instrumen.penyelenggara,
        instrumen.jumlah_indikator,
        instrumen.desimal,
        instrumen.berlaku_mulai,
        instrumen.berlaku_sampai,
        instrumen.status_verifikasi,
        instrumen.catatan
    from instrumen
)

select * from final
