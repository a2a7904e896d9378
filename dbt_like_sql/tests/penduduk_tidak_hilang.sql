-- Penggabungan ejaan tidak boleh menambah atau menghilangkan penduduk.
with

asal as (
    select
        tahun,
        sum(jumlah) as jumlah
    from {{ ref('stg_samarinda__penduduk') }}
    group by tahun
),

fakta as (
    select
        tahun,
        sum(jumlah) as jumlah
    from {{ ref('fct_penduduk_kelurahan') }}
    group by tahun
)

select
    tahun,
    asal.jumlah as jumlah_asal,
    fakta.jumlah as jumlah_fakta
from asal
full outer join fakta using (tahun)
where asal.jumlah is distinct from fakta.jumlah
