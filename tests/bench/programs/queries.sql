-- Questions about a few thousand rows: joins, sorts, windows, text.
create table a(id integer primary key, g integer, x integer, t text);
create table b(id integer primary key, a_id integer, y integer);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 4000)
  insert into a select i, i % 61, i * 7919 % 4001, 'row ' || (i * 31 % 997) from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 12000)
  insert into b select i, i * 17 % 4000 + 1, i * 104729 % 10007 from n;
with recursive round(r) as (select 1 union all select r + 1 from round where r < SIZE)
  select r, (select sum(a.x * b.y % 1009) from b join a on a.id = b.a_id where a.g % 7 = r % 7) as joined,
    (select count(*) from a where t like '%' || (r % 10) || '5%') as alike,
    (select max(s) from (select sum(x) over (partition by g order by id) as s from a where g < 20 + r % 5)) as run
  from round;
