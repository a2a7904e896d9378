with

pegawai as (
    select
        nip,
        jenis_kelamin,
        status_kepegawaian,
        golongan,
        tmt_golongan,
        jabatan,
        jenis_jabatan,
        eselon,
        kode_opd,
        unit_kerja,
        pendidikan,
        valid_from,
        valid_to,
        is_current
    from {{ source('bkd', 'pegawai') }}
),

final as (
    select
        pegawai.nip as pseudonim_pegawai,
        pegawai.valid_from as berlaku_dari,
        pegawai.valid_to as berlaku_sampai,
        pegawai.is_current as masih_berlaku,
        pegawai.kode_opd,
        pegawai.unit_kerja,
        pegawai.jenis_kelamin,
        pegawai.status_kepegawaian,
        pegawai.golongan,
        pegawai.tmt_golongan,
        pegawai.jabatan,
        pegawai.jenis_jabatan,
        pegawai.eselon,
        pegawai.pendidikan
    from pegawai
)

select * from final
