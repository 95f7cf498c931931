-- Rows are inserted, an index is built, rows are changed and taken out.
create table t(k integer, name text, v real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < SIZE * 1000)
  insert into t select i * 7919 % 100003, 'name' || (i % 1000), i / 7.0 from n;
create index by_k on t(k);
update t set v = v + 1, name = upper(name) where k % 10 = 3;
delete from t where k % 17 = 5;
select count(*), min(k), max(k), round(sum(v), 3) from t indexed by by_k where k between 1000 and 90000;
select name, count(*), round(avg(v), 3) from t group by name order by 2 desc, 1 limit 5;
